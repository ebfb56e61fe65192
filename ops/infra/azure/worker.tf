# The worker has no ingress, so nothing but its exit is noticed: Container Apps asks health by HTTP
# or TCP only, and the worker's is a command.

resource "azurerm_container_app" "worker" {
  for_each = toset(setintersection(["worker"], local.roles))

  name                         = local.names.roles[each.key]
  resource_group_name          = azurerm_resource_group.main.name
  container_app_environment_id = azurerm_container_app_environment.main.id
  workload_profile_name        = "Consumption"
  revision_mode                = "Single" # the new revision starts before the old one stops
  max_inactive_revisions       = 5
  tags                         = merge(local.tags, { role = each.key })

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
    min_replicas                     = local.sizes[each.key].min
    max_replicas                     = local.sizes[each.key].max
    termination_grace_period_seconds = local.contract.roles[each.key].stop_seconds

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

    # By load between the two numbers; its name makes a new revision (services.tf).
    custom_scale_rule {
      name             = "cpu-${var.secrets_version}"
      custom_rule_type = "cpu"
      metadata         = { type = "Utilization", value = "70" }
    }
  }

  depends_on = [
    azurerm_role_assignment.secret,
    azurerm_role_assignment.registry,
    azurerm_role_assignment.signing,
    azurerm_role_assignment.storage,
    azurerm_role_assignment.delegation,
    azurerm_private_endpoint.redis,
    azurerm_private_endpoint.storage,
    azurerm_postgresql_flexible_server_configuration.main,
  ]
}
