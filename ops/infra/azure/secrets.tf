# One vault. What is written into it comes from write-only arguments: Terraform keeps none of it.

resource "azurerm_key_vault" "main" {
  name                          = local.names.vault
  resource_group_name           = azurerm_resource_group.main.name
  location                      = azurerm_resource_group.main.location
  tenant_id                     = data.azurerm_client_config.current.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = local.production # once on, it stays on
  soft_delete_retention_days    = 90               # cannot be changed later
  public_network_access_enabled = length(var.operator_ranges) > 0
  tags                          = local.tags

  # The roles come by the private endpoint. Terraform writes the secrets from outside, from here:
  network_acls {
    default_action = contains(var.operator_ranges, "0.0.0.0/0") ? "Allow" : "Deny"
    bypass         = "None"
    ip_rules       = [for range in var.operator_ranges : range if range != "0.0.0.0/0"]
  }
}

resource "azurerm_private_endpoint" "vault" {
  name                = "${local.name}-vault"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  subnet_id           = azurerm_subnet.endpoints.id
  tags                = local.tags

  private_service_connection {
    name                           = "vault"
    private_connection_resource_id = azurerm_key_vault.main.id
    subresource_names              = ["vault"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "vault"
    private_dns_zone_ids = [azurerm_private_dns_zone.main["vault"].id]
  }
}

resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                       = "audit"
  target_resource_id         = azurerm_key_vault.main.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id

  enabled_log {
    category = "AuditEvent"
  }
}

locals {
  # Both URLs hold their passwords percent-encoded. Whether the connection is verified is not part
  # of DATABASE_URL: DATABASE_SSL_MODE says it.
  composed_secrets = {
    database_url = join("", [
      "postgresql://${urlencode(var.db_admin_username)}:${urlencode(var.db_admin_password)}",
      "@${azurerm_postgresql_flexible_server.main.fqdn}:${local.ports.postgres}/${azurerm_postgresql_flexible_server_database.main.name}",
    ])
    redis_url = join("", [
      "rediss://:${urlencode(azurerm_managed_redis.main.default_database[0].primary_access_key)}",
      "@${azurerm_managed_redis.main.hostname}:${azurerm_managed_redis.main.default_database[0].port}/0",
    ])
  }
  secret_texts = {
    for name in local.made_secrets : name => (
      local.contract.variables[name].source == "composed"
      ? local.composed_secrets[local.contract.variables[name].composed]
      : var.secret_values[name]
    )
  }
}

# The database and Redis are made first, since two of the texts name them; by then the right to
# write secrets, which takes minutes to arrive everywhere, has arrived.
resource "azurerm_key_vault_secret" "made" {
  for_each = local.made_secrets

  name             = lower(replace(each.key, "_", "-"))
  key_vault_id     = azurerm_key_vault.main.id
  value_wo         = local.secret_texts[each.key]
  value_wo_version = var.secrets_version
  content_type     = each.key
  tags             = local.tags

  depends_on = [azurerm_role_assignment.operator]
}

resource "azurerm_key_vault_secret" "registry" {
  count = var.registry_server != null ? 1 : 0

  name             = "registry-password"
  key_vault_id     = azurerm_key_vault.main.id
  value_wo         = var.registry_password
  value_wo_version = var.secrets_version
  content_type     = "Password of ${var.registry_server}"
  tags             = local.tags

  depends_on = [azurerm_key_vault_secret.made]
}

# The vault knows no secret without a value, so this one begins as an empty document. The
# application, or you, write the keys as later versions; Terraform never writes here again.
resource "azurerm_key_vault_secret" "signing" {
  count = local.signs_here ? 1 : 0

  name             = var.auth_key_secret_name
  key_vault_id     = azurerm_key_vault.main.id
  value_wo         = "{}"
  value_wo_version = 1
  content_type     = "AUTH_KEY_SECRET_NAME"
  tags             = local.tags

  lifecycle {
    precondition {
      condition     = !contains(concat([for name in local.made_secrets : lower(replace(name, "_", "-"))], ["registry-password"]), lower(var.auth_key_secret_name))
      error_message = "auth_key_secret_name must not be the name of another secret of this vault: choose another, such as auth-signing-keys."
    }
  }

  depends_on = [azurerm_key_vault_secret.made]
}
