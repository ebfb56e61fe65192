# Postgres on Cloud SQL, reached by its private address alone.

locals {
  db_tier = (
    var.db_instance_type != null ? var.db_instance_type :
    { small = "db-custom-1-3840", medium = "db-custom-2-7680", large = "db-custom-4-15360" }[var.db_size]
  )
  # What Cloud SQL would choose by itself, said here so that the roles' pools can be held against it.
  db_memory_mib = try(tonumber(regex("^db-custom-[0-9]+-([0-9]+)$", local.db_tier)[0]), 0)
  db_max_connections = (
    local.db_tier == "db-f1-micro" ? 25 :
    local.db_tier == "db-g1-small" ? 50 :
    local.db_memory_mib < 6144 ? 100 :
    local.db_memory_mib < 7680 ? 200 :
    local.db_memory_mib < 15360 ? 400 :
    local.db_memory_mib < 30720 ? 500 :
    local.db_memory_mib < 61440 ? 600 :
    local.db_memory_mib < 122880 ? 800 : 1000
  )
  db_connections = sum(concat([0], [
    for role in local.roles : local.max_instances[role] * tonumber(coalesce(local.composed_by_role.pool_size[role], "0"))
  ]))
}

resource "google_sql_database_instance" "main" {
  name             = local.name
  region           = var.region
  database_version = "POSTGRES_17"
  # Terraform refuses to destroy it; settings has the one by which Google refuses, too.
  deletion_protection = local.protected

  settings {
    tier = local.db_tier
    # From Postgres 16 on the default is ENTERPRISE_PLUS, which has no custom or shared-core tiers.
    edition                     = "ENTERPRISE"
    availability_type           = local.db_high_availability ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = local.protected
    disk_type                   = "PD_SSD"
    disk_size                   = var.db_storage_gib
    disk_autoresize             = true
    retain_backups_on_delete    = local.protected
    user_labels                 = local.labels

    ip_configuration {
      ipv4_enabled       = false
      private_network    = google_compute_network.main.id
      allocated_ip_range = google_compute_global_address.services.name
      ssl_mode           = "ENCRYPTED_ONLY"
      # An authority of this instance alone: clients verify its certificate by DATABASE_CA_CERT.
      server_ca_mode = "GOOGLE_MANAGED_INTERNAL_CA"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      point_in_time_recovery_enabled = true
      # Enterprise keeps logs for seven days at most; daily backups reach further back.
      transaction_log_retention_days = min(var.db_backup_retention_days, 7)

      backup_retention_settings {
        retained_backups = var.db_backup_retention_days
        retention_unit   = "COUNT"
      }
    }

    dynamic "final_backup_config" {
      for_each = local.protected ? [var.db_backup_retention_days] : []

      content {
        enabled        = true
        retention_days = final_backup_config.value
      }
    }

    # Logged: who came and went, what waited, what spilled to disk, every change of the schema.
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }

    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }

    database_flags {
      name  = "log_statement"
      value = "ddl"
    }

    database_flags {
      name  = "log_temp_files"
      value = "0"
    }

    database_flags {
      name  = "max_connections"
      value = tostring(local.db_max_connections)
    }

    insights_config {
      query_insights_enabled = true
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "main" {
  name     = var.db_name
  instance = google_sql_database_instance.main.name
  # It goes with its instance and never before, whoever is still connected.
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "main" {
  name                = var.db_admin_username
  instance            = google_sql_database_instance.main.name
  password_wo         = var.db_admin_password
  password_wo_version = var.secrets_version
  # Postgres does not drop a user that owns anything.
  deletion_policy = "ABANDON"
}
