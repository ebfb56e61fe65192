# The job that migrates the database. Nothing starts it but the release (`invoke azure.migrate`).

resource "azurerm_container_app_job" "migrate" {
  for_each = toset(setintersection(["migrate"], local.roles))

  name                         = local.names.roles[each.key]
  resource_group_name          = azurerm_resource_group.main.name
  location                     = azurerm_resource_group.main.location
  container_app_environment_id = azurerm_container_app_environment.main.id
  workload_profile_name        = "Consumption"
  replica_timeout_in_seconds   = local.contract.roles[each.key].timeout_seconds
  replica_retry_limit          = 0 # a migration that failed is looked at, not repeated
  tags                         = merge(local.tags, { role = each.key })

  manual_trigger_config {
    parallelism              = 1
    replica_completion_count = 1
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.role[each.key].id]
  }

  dynamic "registry" {
    for_each = var.registry_server != null ? [var.registry_server] : []

    content {
      server               = registry.value
      username             = var.registry_username
      password_secret_name = "registry-password"
    }
  }

  dynamic "secret" {
    for_each = local.app_secrets[each.key]

    content {
      name                = secret.key
      identity            = azurerm_user_assigned_identity.role[each.key].id
      key_vault_secret_id = secret.value
    }
  }

  template {
    container {
      name    = each.key
      image   = local.images[each.key]
      command = local.contract.roles[each.key].command
      cpu     = local.sizes[each.key].cpu
      memory  = "${local.sizes[each.key].memory_mib / 1024}Gi"

      dynamic "env" {
        for_each = local.env[each.key]

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secrets[each.key]

        content {
          name        = env.key
          secret_name = lower(replace(env.key, "_", "-"))
        }
      }
    }
  }

  depends_on = [
    azurerm_role_assignment.secret,
    azurerm_role_assignment.registry,
    azurerm_postgresql_flexible_server_configuration.main,
  ]
}
