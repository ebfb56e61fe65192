resource "lab_network" "d" { # Insufficient owner blocks: At least 1 "owner" blocks are required.
  range = "x"
}
