# Redis on Memorystore, reached by its private address alone, with a password and over TLS.

locals {
  redis_memory_gib = (
    var.redis_instance_type != null ? tonumber(var.redis_instance_type) :
    { small = 1, medium = 5, large = 16 }[var.redis_size]
  )
}

resource "google_redis_instance" "main" {
  name           = local.name
  region         = var.region
  memory_size_gb = local.redis_memory_gib
  tier           = local.redis_high_availability ? "STANDARD_HA" : "BASIC"
  redis_version  = "REDIS_7_2"

  auth_enabled = true
  # With it Redis listens on 6378, and its certificate is signed by an authority of its own.
  transit_encryption_mode = "SERVER_AUTHENTICATION"

  authorized_network = google_compute_network.main.id
  connect_mode       = "PRIVATE_SERVICE_ACCESS"
  reserved_ip_range  = google_compute_global_address.services.name

  # It holds jobs, not a cache: when it is full, writing fails and nothing is forgotten.
  redis_configs       = { maxmemory-policy = "noeviction" }
  deletion_protection = local.protected

  persistence_config {
    persistence_mode    = local.production ? "RDB" : "DISABLED"
    rdb_snapshot_period = local.production ? "ONE_HOUR" : null
  }

  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"

      start_time {
        hours = 4
      }
    }
  }

  depends_on = [google_service_networking_connection.services]
}
