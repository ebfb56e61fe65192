resource "lab_network" "j" { # Value for unconfigurable attribute: Can't configure a value for "port"
  range = "x"
  owner {
    mail = "m"
  }
  rule {
    name = "y"
    port = 1
  }
}
