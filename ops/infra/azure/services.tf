# Logs, the environment that every role runs in, and the two roles that answer requests.

resource "azurerm_log_analytics_workspace" "main" {
  name                         = local.name
  resource_group_name          = azurerm_resource_group.main.name
  location                     = azurerm_resource_group.main.location
  sku                          = "PerGB2018"
  retention_in_days            = min(var.log_retention_days, 730) # the longest that Azure has
  local_authentication_enabled = true                             # the environment sends its logs with the workspace's key
  tags                         = local.tags
}

resource "azurerm_container_app_environment" "main" {
  name                               = local.name
  resource_group_name                = azurerm_resource_group.main.name
  location                           = azurerm_resource_group.main.location
  infrastructure_resource_group_name = "${local.name}-platform" # left out, Azure makes a name up and Terraform sees a difference
  infrastructure_subnet_id           = azurerm_subnet.apps.id
  internal_load_balancer_enabled     = false # browsers reach web; what is not public has an internal ingress
  public_network_access              = "Enabled"
  zone_redundancy_enabled            = local.production
  logs_destination                   = "log-analytics"
  log_analytics_workspace_id         = azurerm_log_analytics_workspace.main.id
  tags                               = local.tags

  # An environment that is made without a profile can never have one.
  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }

  # Rights to read secrets take minutes to arrive everywhere, and an app that comes sooner is
  # refused. Making the environment takes as long, so it begins when the rights are given.
  depends_on = [
    azurerm_role_assignment.secret,
    azurerm_role_assignment.registry,
    azurerm_private_endpoint.vault,
    azurerm_private_dns_zone_virtual_network_link.main,
    azurerm_subnet_network_security_group_association.main,
  ]
}

# What runs now, where your CI deploys images and Terraform is to leave them alone.
data "azurerm_container_app" "running" {
  for_each = var.manage_image ? [] : toset([for role in local.roles : role if role != "migrate"])

  name                = local.names.roles[each.key]
  resource_group_name = local.name
  read_secrets        = false
}

resource "azurerm_container_app" "service" {
  for_each = local.services

  name                         = local.names.roles[each.key]
  resource_group_name          = azurerm_resource_group.main.name
  container_app_environment_id = azurerm_container_app_environment.main.id
  workload_profile_name        = "Consumption"
  revision_mode                = "Single" # a new revision gets requests once it is ready; then the old one stops
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

  # By the role's own identity: the app's system identity exists only once the app does, and could
  # not be given any right before.
  dynamic "secret" {
    for_each = local.app_secrets[each.key]

    content {
      name                = secret.key
      identity            = azurerm_user_assigned_identity.role[each.key].id
      key_vault_secret_id = secret.value
    }
  }

  ingress {
    target_port                = local.contract.roles[each.key].port
    external_enabled           = local.exposed[each.key]
    allow_insecure_connections = false # plain HTTP is redirected
    client_certificate_mode    = "ignore"
    transport                  = "auto"

    traffic_weight {
      percentage      = 100
      latest_revision = true
    }

    # Where proxies stand before web, forwarding headers are worth something only if nobody else
    # can send them. The api is not restricted: web's server would be shut out.
    dynamic "ip_security_restriction" {
      for_each = each.key == "web" ? var.trusted_proxies : []

      content {
        name             = "proxy-${ip_security_restriction.key}"
        description      = "A trusted proxy"
        ip_address_range = ip_security_restriction.value
        action           = "Allow"
      }
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

      # Both of these kill, so they ask whether the process lives, and nothing that it depends on.
      startup_probe {
        transport               = "HTTP"
        port                    = local.contract.roles[each.key].port
        path                    = local.contract.roles[each.key].health.live
        interval_seconds        = 2
        timeout                 = 2
        failure_count_threshold = ceil(local.contract.roles[each.key].start_seconds / 2)
      }

      liveness_probe {
        transport               = "HTTP"
        port                    = local.contract.roles[each.key].port
        path                    = local.contract.roles[each.key].health.live
        interval_seconds        = 10
        timeout                 = 5
        failure_count_threshold = 3
      }

      # This one only takes an instance out of traffic.
      readiness_probe {
        transport               = "HTTP"
        port                    = local.contract.roles[each.key].port
        path                    = local.contract.roles[each.key].health.ready
        interval_seconds        = 5
        timeout                 = 5
        failure_count_threshold = 3
        success_count_threshold = 1
      }
    }

    # Writing secrets anew changes no revision, and instances that run keep the old ones. A rule's
    # name is part of the revision, so raising secrets_version makes a new one.
    http_scale_rule {
      name                = "requests-${var.secrets_version}"
      concurrent_requests = "50"
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
