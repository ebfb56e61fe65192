resource "lab_database" "g" {
  name = "x"
  size = "large" # Incorrect attribute value type: a number is required
}
