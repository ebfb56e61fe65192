resource "lab_database" "b" { # Missing required argument: The argument "name" is required
}
