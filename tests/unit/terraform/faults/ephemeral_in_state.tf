variable "p" {
  type      = string
  ephemeral = true
}
resource "lab_file" "p" {
  content = var.p # Invalid use of ephemeral value: Ephemeral values are not valid for
}
