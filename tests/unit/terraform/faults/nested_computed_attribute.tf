resource "lab_database" "i" {
  name = "x"
  listener {
    name = "y"
    port = 1 # Value for unconfigurable attribute: Can't configure a value for "port"
  }
}
