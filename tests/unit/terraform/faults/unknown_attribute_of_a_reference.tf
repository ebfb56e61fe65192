resource "lab_file" "o" {
  content = data.lab_zones.there.nmaes[0] # Unsupported attribute: has no argument, nested block, or exported attribute named "nmaes"
}
data "lab_zones" "there" {
}
