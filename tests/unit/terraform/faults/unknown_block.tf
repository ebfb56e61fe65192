resource "lab_database" "f" {
  name = "x"
  lisener { # Unsupported block type: Did you mean "listener"?
  }
}
