resource "lab_database" "c" {
  name = "x"
  listener { # Missing required argument: The argument "name" is required
  }
}
