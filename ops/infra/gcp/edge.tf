# The way in: one global address, a certificate per name, TLS 1.2 or later, and nothing over plain
# HTTP but a redirect. Where no role has a public name, there is none of it.

locals {
  hosts = {
    for role, host in { web = var.app_domain, api = var.api_domain } : role => host
    if host != null && contains(local.roles, role)
  }
  has_edge = length(local.hosts) > 0
  # What you make where there is no zone here.
  dns_records = [
    for host in values(local.hosts) : { name = host, type = "A", value = google_compute_global_address.edge[0].address }
    if var.dns_zone == null
  ]
  # Who answers a request that names no known host.
  default_role = contains(keys(local.hosts), "web") ? "web" : "api"
}

resource "google_compute_global_address" "edge" {
  count = local.has_edge ? 1 : 0

  name = "${local.name}-edge"

  depends_on = [google_project_service.required]
}

resource "google_compute_region_network_endpoint_group" "role" {
  for_each = local.hosts

  name                  = "${local.name}-${each.key}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.role[each.key].name
  }
}

# Without health checks and timeout: a serverless backend takes neither.
resource "google_compute_backend_service" "role" {
  for_each = local.hosts

  name                    = "${local.name}-${each.key}"
  load_balancing_scheme   = "EXTERNAL_MANAGED"
  protocol                = "HTTPS"
  custom_response_headers = ["Strict-Transport-Security: max-age=31536000"]

  backend {
    group = google_compute_region_network_endpoint_group.role[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "https" {
  count = local.has_edge ? 1 : 0

  name            = "${local.name}-https"
  default_service = google_compute_backend_service.role[local.default_role].id

  dynamic "host_rule" {
    for_each = local.hosts

    content {
      hosts        = [host_rule.value]
      path_matcher = host_rule.key
    }
  }

  dynamic "path_matcher" {
    for_each = local.hosts

    content {
      name            = path_matcher.key
      default_service = google_compute_backend_service.role[path_matcher.key].id
    }
  }
}

resource "google_compute_url_map" "http" {
  count = local.has_edge ? 1 : 0

  name = "${local.name}-http"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

# Certificates. With a DNS zone they are issued before any record leads here; without one as soon as
# the name's record does, which may take an hour and needs no second apply.

resource "google_certificate_manager_dns_authorization" "role" {
  for_each = var.dns_zone != null ? local.hosts : {}

  name   = "${local.name}-${each.key}-${substr(sha256(each.value), 0, 8)}"
  domain = each.value

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.required]
}

# Its name changes with the domain, so that the old one serves until the new one is there.
resource "google_certificate_manager_certificate" "role" {
  for_each = local.hosts

  name = "${local.name}-${each.key}-${substr(sha256(each.value), 0, 8)}"

  managed {
    domains            = [each.value]
    dns_authorizations = var.dns_zone != null ? [google_certificate_manager_dns_authorization.role[each.key].id] : null
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.required]
}

resource "google_certificate_manager_certificate_map" "main" {
  count = local.has_edge ? 1 : 0

  name = local.name

  depends_on = [google_project_service.required]
}

resource "google_certificate_manager_certificate_map_entry" "role" {
  for_each = local.hosts

  name         = "${local.name}-${each.key}"
  map          = google_certificate_manager_certificate_map.main[0].name
  hostname     = each.value
  certificates = [google_certificate_manager_certificate.role[each.key].id]
}

resource "google_compute_ssl_policy" "main" {
  count = local.has_edge ? 1 : 0

  name            = local.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.required]
}

resource "google_compute_target_https_proxy" "main" {
  count = local.has_edge ? 1 : 0

  name            = local.name
  url_map         = google_compute_url_map.https[0].id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.main[0].id}"
  ssl_policy      = google_compute_ssl_policy.main[0].id
}

resource "google_compute_target_http_proxy" "main" {
  count = local.has_edge ? 1 : 0

  name    = local.name
  url_map = google_compute_url_map.http[0].id
}

resource "google_compute_global_forwarding_rule" "https" {
  count = local.has_edge ? 1 : 0

  name                  = "${local.name}-https"
  target                = google_compute_target_https_proxy.main[0].id
  ip_address            = google_compute_global_address.edge[0].id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

resource "google_compute_global_forwarding_rule" "http" {
  count = local.has_edge ? 1 : 0

  name                  = "${local.name}-http"
  target                = google_compute_target_http_proxy.main[0].id
  ip_address            = google_compute_global_address.edge[0].id
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

# Records, if the names' zone is in this project.

resource "google_dns_record_set" "role" {
  for_each = var.dns_zone != null ? local.hosts : {}

  managed_zone = var.dns_zone
  name         = "${each.value}."
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_global_address.edge[0].address]
}

resource "google_dns_record_set" "authorization" {
  for_each = var.dns_zone != null ? local.hosts : {}

  managed_zone = var.dns_zone
  name         = google_certificate_manager_dns_authorization.role[each.key].dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.role[each.key].dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.role[each.key].dns_resource_record[0].data]
}
