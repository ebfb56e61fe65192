resource "lab_network" "e" {
  range = "x"
  owner {
    mail = "m"
  }
  owner { # Too many owner blocks: No more than 1 "owner" blocks are allowed
    mail = "n"
  }
}
