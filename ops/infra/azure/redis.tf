# Azure Managed Redis; Azure Cache for Redis takes no new customers. Its port is 10000, with TLS.

resource "azurerm_managed_redis" "main" {
  name                      = "${local.name}-${local.unique}"
  resource_group_name       = azurerm_resource_group.data.name
  location                  = azurerm_resource_group.data.location
  sku_name                  = local.redis_sku
  high_availability_enabled = local.redis_high_availability
  public_network_access     = "Disabled"
  tags                      = local.tags

  default_database {
    access_keys_authentication_enabled            = true # REDIS_URL carries a key; it lies in the state
    client_protocol                               = "Encrypted"
    clustering_policy                             = "NoCluster"  # plain clients: no MOVED, and commands over any keys
    eviction_policy                               = "NoEviction" # jobs must not vanish
    persistence_append_only_file_backup_frequency = "1s"
  }

  # There before there is something to lose.
  depends_on = [azurerm_management_lock.data]
}

resource "azurerm_private_endpoint" "redis" {
  name                = "${local.name}-redis"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  subnet_id           = azurerm_subnet.endpoints.id
  tags                = local.tags

  private_service_connection {
    name                           = "redis"
    private_connection_resource_id = azurerm_managed_redis.main.id
    subresource_names              = ["redisEnterprise"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "redis"
    private_dns_zone_ids = [azurerm_private_dns_zone.main["redis"].id]
  }
}
