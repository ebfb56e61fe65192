# Who may read what, as it would be applied. Nothing is made: Azure is mocked.

mock_provider "azurerm" {
  source = "./tests/mocks"
}

override_resource {
  target = azurerm_user_assigned_identity.role["api"]
  values = {
    id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mocked/providers/Microsoft.ManagedIdentity/userAssignedIdentities/api"
    principal_id = "00000000-0000-0000-0000-0000000000a1"
    client_id    = "00000000-0000-0000-0000-0000000000a2"
  }
}

override_resource {
  target = azurerm_key_vault_secret.made["DATABASE_URL"]
  values = {
    versionless_id          = "https://mocked.vault.azure.net/secrets/database-url"
    resource_versionless_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/mocked/providers/Microsoft.KeyVault/vaults/mocked/secrets/database-url"
  }
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
  registry_server   = "registry.example.com"
  registry_username = "reader"
  registry_password = "a-token-that-nobody-uses"
}

run "one_apply_from_nothing" {
  command = apply

  assert {
    condition     = join(",", [for name in keys(azurerm_role_assignment.secret) : name if startswith(name, "migrate/") || startswith(name, "web/")]) == "migrate/DATABASE_URL"
    error_message = "web or migrate may read more than they get"
  }

  assert {
    condition     = azurerm_role_assignment.secret["api/DATABASE_URL"].scope == azurerm_key_vault_secret.made["DATABASE_URL"].resource_versionless_id && azurerm_role_assignment.secret["api/DATABASE_URL"].principal_id == "00000000-0000-0000-0000-0000000000a1"
    error_message = "the api's identity may not read its DATABASE_URL"
  }

  assert {
    condition = alltrue([
      for secret in azurerm_container_app.service["api"].secret :
      secret.identity == azurerm_user_assigned_identity.role["api"].id && startswith(secret.key_vault_secret_id, "https://mocked.vault.azure.net/secrets/") && secret.value == null
    ])
    error_message = "the api does not read its secrets from the vault by its own identity"
  }

  assert {
    condition     = join(",", keys(azurerm_role_assignment.signing)) == "api,worker" && join(",", keys(azurerm_role_assignment.storage)) == "api,worker"
    error_message = "others than api and worker use the signing keys or the objects"
  }

  assert {
    condition     = one([for item in azurerm_container_app.service["api"].template[0].container[0].env : item.value if item.name == "AZURE_MANAGED_IDENTITY_CLIENT_ID"]) == "00000000-0000-0000-0000-0000000000a2"
    error_message = "the api is told of another identity than its own"
  }

  assert {
    condition     = output.secret_ids.DATABASE_URL == "https://mocked.vault.azure.net/secrets/database-url" && output.database_endpoint == "mocked.postgres.database.azure.com"
    error_message = "outputs do not say what was made"
  }

  assert {
    condition     = azurerm_key_vault_secret.made["DATABASE_URL"].value == null && azurerm_postgresql_flexible_server.main.administrator_password == null
    error_message = "a password is kept by the state"
  }
}
