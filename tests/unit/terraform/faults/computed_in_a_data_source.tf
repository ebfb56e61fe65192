data "lab_zones" "m" {
  names = ["x"] # Value for unconfigurable attribute: Can't configure a value for "names"
}
