data "lab_zone" "l" { # Invalid data source: Did you mean "lab_zones"?
}
