resource "lab_database" "h" {
  name    = "x"
  address = "y" # Value for unconfigurable attribute: Can't configure a value for "address"
}
