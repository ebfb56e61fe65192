# One network: roles send what is private through it, stores are reached by private addresses alone.

locals {
  # A sixteenth for Cloud Run (/26 or larger, which it asks for), a quarter for Google's services.
  run_cidr      = cidrsubnet(var.network_cidr, 4, 0)
  services_cidr = cidrsubnet(var.network_cidr, 2, 1)

  # Addresses that Cloud Run may take: two for each instance, in a subnet where four are Google's.
  run_addresses      = pow(2, 32 - tonumber(split("/", local.run_cidr)[1])) - 4
  run_addresses_used = 2 * sum(concat([0], [for role in local.roles : local.max_instances[role]]))
}

resource "google_compute_network" "main" {
  name                    = local.name
  auto_create_subnetworks = false

  depends_on = [google_project_service.required]
}

# Nothing but Cloud Run is in it: it takes addresses in blocks of sixteen.
resource "google_compute_subnetwork" "run" {
  name          = "${local.name}-run"
  network       = google_compute_network.main.id
  region        = var.region
  ip_cidr_range = local.run_cidr
  # The api's own address and Google's APIs are reached from here without leaving Google.
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Private services access: Cloud SQL and Memorystore get their addresses from this range.
resource "google_compute_global_address" "services" {
  name          = "${local.name}-services"
  network       = google_compute_network.main.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = split("/", local.services_cidr)[0]
  prefix_length = tonumber(split("/", local.services_cidr)[1])
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.main.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  # Cloud SQL holds on to it for some days after its last instance is gone: deleting it would fail.
  deletion_policy = "ABANDON"

  depends_on = [google_project_service.required]
}

# Web has no business with the stores: it could not reach them even if it knew how.
resource "google_compute_firewall" "web_without_stores" {
  count = contains(local.roles, "web") ? 1 : 0

  name               = "${local.name}-web-without-stores"
  network            = google_compute_network.main.id
  direction          = "EGRESS"
  destination_ranges = [local.services_cidr]
  target_tags        = ["${local.name}-web"]

  deny {
    protocol = "all"
  }
}

# A service that takes internal requests alone takes them from the network: Cloud Run's addresses
# therefore lead to private.googleapis.com, whose range is one that web sends through the network.
resource "google_dns_managed_zone" "run" {
  count = local.uses_internal ? 1 : 0

  name        = "${local.name}-run"
  dns_name    = "run.app."
  description = "Leads from web to the api through the network"
  visibility  = "private"

  private_visibility_config {
    networks {
      network_url = google_compute_network.main.id
    }
  }

  depends_on = [google_project_service.required]
}

resource "google_dns_record_set" "run" {
  count = local.uses_internal ? 1 : 0

  managed_zone = google_dns_managed_zone.run[0].name
  name         = "*.run.app."
  type         = "A"
  ttl          = 300
  rrdatas      = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"]
}
