resource "lab_databse" "k" { # Invalid resource type: does not support resource type "lab_databse"
}
