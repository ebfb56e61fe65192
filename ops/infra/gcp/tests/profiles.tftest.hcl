# Profiles change availability, protection and backups; inputs win over them.

mock_provider "google" {}

variables {
  project_name      = "shop"
  region            = "europe-west3"
  project_id        = "acme-shop"
  api_image         = "public.example.com/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  web_image         = "public.example.com/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  app_public_url    = "https://app.example.com"
  app_domain        = "app.example.com"
  db_admin_password = "Test-only-password-0123456789"
  secret_values = {
    SECRET_KEY                  = "test-only-secret-key-0123456789abcdef"
    AUTH_SESSION_ENCRYPTION_KEY = "test-only-session-key-0123456789abcdef"
    AUTH_PASSWORD_PEPPER        = "test-only-pepper-0123456789abcdef0"
  }
}

run "production" {
  command = plan

  variables {
    environment = "production"
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].availability_type == "REGIONAL" && google_redis_instance.main.tier == "STANDARD_HA" && google_cloud_run_v2_service.role["web"].scaling[0].min_instance_count == 2
    error_message = "Production has a second one of everything."
  }

  assert {
    condition     = google_sql_database_instance.main.deletion_protection && google_sql_database_instance.main.settings[0].deletion_protection_enabled && google_redis_instance.main.deletion_protection && !google_storage_bucket.storage[0].force_destroy
    error_message = "In production what holds data is protected."
  }

  assert {
    condition     = google_redis_instance.main.persistence_config[0].persistence_mode == "RDB"
    error_message = "In production Redis is backed up."
  }
}

run "development" {
  command = plan

  variables {
    environment   = "development"
    secret_values = {}
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].availability_type == "ZONAL" && google_redis_instance.main.tier == "BASIC" && google_cloud_run_v2_service.role["web"].scaling[0].min_instance_count == 1
    error_message = "Development has one of everything."
  }

  assert {
    condition     = !google_sql_database_instance.main.deletion_protection && google_storage_bucket.storage[0].force_destroy
    error_message = "Development can be destroyed."
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].edition == "ENTERPRISE" && google_sql_database_instance.main.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY" && !google_sql_database_instance.main.settings[0].ip_configuration[0].ipv4_enabled
    error_message = "No profile changes who reaches the database, and how."
  }

  assert {
    condition     = google_cloud_run_v2_worker_pool.role["worker"].scaling[0].manual_instance_count == 1
    error_message = "A worker always runs."
  }
}

run "overridden" {
  command = plan

  variables {
    environment              = "development"
    secret_values            = {}
    db_high_availability     = true
    deletion_protection      = true
    api_min_instances        = 3
    db_instance_type         = "db-custom-8-32768"
    redis_instance_type      = "12"
    db_backup_retention_days = 30
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].availability_type == "REGIONAL" && google_sql_database_instance.main.deletion_protection && google_cloud_run_v2_service.role["api"].scaling[0].min_instance_count == 3
    error_message = "What is given wins over the profile."
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].tier == "db-custom-8-32768" && local.db_max_connections == 600 && google_redis_instance.main.memory_size_gb == 12
    error_message = "The cloud's own sizes win over one word."
  }

  assert {
    condition     = google_sql_database_instance.main.settings[0].backup_configuration[0].transaction_log_retention_days == 7 && google_sql_database_instance.main.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 30
    error_message = "Backups reach as far back as asked for, point-in-time recovery as far as the edition goes."
  }
}
