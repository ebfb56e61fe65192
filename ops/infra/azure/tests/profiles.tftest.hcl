# Profiles change availability, protection and backups. Nothing is made: Azure is mocked.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project_name    = "shop"
  region          = "westeurope"
  subscription_id = "00000000-0000-0000-0000-000000000000"
  operator_ranges = ["203.0.113.7/32"]
  api_image       = "registry.example.com/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  web_image       = "registry.example.com/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  app_public_url  = "https://app.example.com"
  app_domain      = "app.example.com"
  secret_values = {
    SECRET_KEY                  = "a-value-that-nobody-uses-anywhere"
    AUTH_SESSION_ENCRYPTION_KEY = "a-value-that-nobody-uses-anywhere"
    AUTH_PASSWORD_PEPPER        = "a-value-that-nobody-uses-anywhere"
  }
  db_admin_password = "A-password-that-nobody-uses-0"
}

run "production_survives_a_zone_and_a_mistake" {
  command = plan

  assert {
    condition     = azurerm_postgresql_flexible_server.main.high_availability[0].mode == "ZoneRedundant" && azurerm_managed_redis.main.high_availability_enabled && azurerm_container_app_environment.main.zone_redundancy_enabled
    error_message = "the loss of a zone stops something"
  }

  assert {
    condition     = alltrue([for app in values(azurerm_container_app.service) : app.template[0].min_replicas == 2])
    error_message = "a service runs once"
  }

  assert {
    condition     = azurerm_management_lock.data[0].lock_level == "CanNotDelete" && azurerm_key_vault.main.purge_protection_enabled
    error_message = "data can be deleted"
  }

  assert {
    condition     = azurerm_postgresql_flexible_server.main.resource_group_name == azurerm_resource_group.data.name && azurerm_managed_redis.main.resource_group_name == azurerm_resource_group.data.name && azurerm_storage_account.main[0].resource_group_name == azurerm_resource_group.data.name
    error_message = "a store lies outside the locked group"
  }
}

run "development_is_small_and_can_be_thrown_away" {
  command = plan

  variables {
    environment      = "development"
    db_instance_type = "B_Standard_B2s"
    app_public_url   = "http://localhost:3000"
    secret_values    = {}
  }

  assert {
    condition     = length(azurerm_postgresql_flexible_server.main.high_availability) == 0 && !azurerm_managed_redis.main.high_availability_enabled
    error_message = "development pays for a standby"
  }

  assert {
    condition     = length(azurerm_management_lock.data) == 0 && !azurerm_key_vault.main.purge_protection_enabled
    error_message = "development cannot be thrown away"
  }

  assert {
    condition     = alltrue([for app in values(azurerm_container_app.service) : app.template[0].min_replicas == 1])
    error_message = "a service runs twice"
  }
}

run "values_win_over_the_profile_and_stores_elsewhere_are_not_made" {
  command = plan

  variables {
    db_high_availability    = false
    redis_high_availability = false
    deletion_protection     = false
    api_min_instances       = 3
    secrets_provider        = "vault_hcp"
    storage_provider        = "minio"
    storage_bucket_name     = "files"
    api_env                 = { VAULT_ADDR = "https://vault.example.com", VAULT_TRANSIT_KEY = "key", MINIO_ENDPOINT = "minio.example.com:9000", MINIO_ACCESS_KEY = "key" }
    worker_env              = { VAULT_ADDR = "https://vault.example.com", VAULT_TRANSIT_KEY = "key", MINIO_ENDPOINT = "minio.example.com:9000", MINIO_ACCESS_KEY = "key" }
    secret_values = {
      SECRET_KEY                  = "a-value-that-nobody-uses-anywhere"
      AUTH_SESSION_ENCRYPTION_KEY = "a-value-that-nobody-uses-anywhere"
      AUTH_PASSWORD_PEPPER        = "a-value-that-nobody-uses-anywhere"
      VAULT_TOKEN                 = "a-value-that-nobody-uses-anywhere"
      MINIO_SECRET_KEY            = "a-value-that-nobody-uses-anywhere"
    }
  }

  assert {
    condition     = length(azurerm_storage_account.main) == 0 && length(azurerm_key_vault_secret.signing) == 0 && length(azurerm_role_assignment.storage) == 0
    error_message = "something is made here that lies elsewhere"
  }

  assert {
    condition     = length(azurerm_postgresql_flexible_server.main.high_availability) == 0 && !azurerm_managed_redis.main.high_availability_enabled && length(azurerm_management_lock.data) == 0
    error_message = "false does not win over the profile"
  }

  assert {
    condition     = azurerm_container_app.service["api"].template[0].min_replicas == 3
    error_message = "a given number of instances is not taken"
  }
}
