resource "lab_network" "a" {
  range = "x"
  zonse = [] # Unsupported argument: Did you mean "zones"?
  owner {
    mail = "m"
  }
}
