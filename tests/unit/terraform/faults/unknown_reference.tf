output "n" {
  value = lab_database.nowhere.id # Reference to undeclared resource: A managed resource "lab_database" "nowhere" has not been declared
}
