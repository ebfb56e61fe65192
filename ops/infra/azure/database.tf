# Postgres, inside the network: it has no public address.

resource "azurerm_postgresql_flexible_server" "main" {
  name                              = "${local.name}-${local.unique}"
  resource_group_name               = azurerm_resource_group.data.name
  location                          = azurerm_resource_group.data.location
  version                           = "17"
  sku_name                          = local.db_sku
  storage_mb                        = var.db_storage_gib * 1024
  auto_grow_enabled                 = true
  backup_retention_days             = var.db_backup_retention_days
  geo_redundant_backup_enabled      = false # can be chosen at creation only, and where the region has a pair
  administrator_login               = var.db_admin_username
  administrator_password_wo         = var.db_admin_password
  administrator_password_wo_version = var.secrets_version
  public_network_access_enabled     = false
  delegated_subnet_id               = azurerm_subnet.database.id
  private_dns_zone_id               = azurerm_private_dns_zone.main["database"].id
  tags                              = local.tags

  authentication {
    password_auth_enabled         = true # a URL can carry nothing else
    active_directory_auth_enabled = false
  }

  dynamic "high_availability" {
    for_each = local.db_high_availability ? ["ZoneRedundant"] : []

    content {
      mode = high_availability.value
    }
  }

  maintenance_window {
    day_of_week  = 0
    start_hour   = 3
    start_minute = 0
  }

  lifecycle {
    # The disk grows by itself, and Terraform would replace the server to shrink it again. After a
    # failover the two zones have changed places.
    ignore_changes = [storage_mb, zone, high_availability[0].standby_availability_zone]
  }

  # Without the link the server cannot register its name, and is refused; the rules must be on the
  # subnet before the server is in it; the lock must be there before there is something to lose.
  depends_on = [
    azurerm_private_dns_zone_virtual_network_link.main,
    azurerm_subnet_network_security_group_association.main,
    azurerm_management_lock.data,
  ]
}

resource "azurerm_postgresql_flexible_server_database" "main" {
  name      = var.db_name
  server_id = azurerm_postgresql_flexible_server.main.id
  charset   = "UTF8"
  collation = "en_US.utf8"
}

resource "azurerm_postgresql_flexible_server_configuration" "main" {
  for_each = {
    "connection_throttle.enable" = "on" # slows down who guesses passwords
    log_checkpoints              = "on"
    log_connections              = "on"
    require_secure_transport     = "on"
  }

  name      = each.key
  server_id = azurerm_postgresql_flexible_server.main.id
  value     = each.value
}

resource "azurerm_monitor_diagnostic_setting" "database" {
  name                       = "logs"
  target_resource_id         = azurerm_postgresql_flexible_server.main.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id

  enabled_log {
    category = "PostgreSQLLogs"
  }
}
