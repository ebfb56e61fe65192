# Objects: one container, reached inside the network by identities alone.

resource "azurerm_storage_account" "main" {
  count = local.stores_here ? 1 : 0

  name                              = local.names.storage
  resource_group_name               = azurerm_resource_group.data.name
  location                          = azurerm_resource_group.data.location
  account_kind                      = "StorageV2"
  account_tier                      = "Standard"
  account_replication_type          = local.production ? "ZRS" : "LRS"
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  local_user_enabled                = false
  public_network_access_enabled     = false
  allow_nested_items_to_be_public   = false
  infrastructure_encryption_enabled = true # can be chosen at creation only
  cross_tenant_replication_enabled  = false
  allowed_copy_scope                = "AAD" # only accounts of this tenant may be copied to
  tags                              = local.tags

  # Says it twice: whoever opens the public address still opens it to Azure's own services alone.
  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = local.kept_days
    }

    container_delete_retention_policy {
      days = local.kept_days
    }
  }

  # There before there is something to lose.
  depends_on = [azurerm_management_lock.data]
}

locals {
  kept_days = local.production ? 30 : 7 # what was deleted or overwritten
}

resource "azurerm_storage_container" "main" {
  count = local.stores_here ? 1 : 0

  name                  = coalesce(var.storage_bucket_name, local.name)
  storage_account_id    = azurerm_storage_account.main[0].id
  container_access_type = "private"
}

resource "azurerm_storage_management_policy" "main" {
  count = local.stores_here ? 1 : 0

  storage_account_id = azurerm_storage_account.main[0].id

  rule {
    name    = "old-versions"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = local.kept_days
      }
    }
  }
}

resource "azurerm_private_endpoint" "storage" {
  count = local.stores_here ? 1 : 0

  name                = "${local.name}-storage"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  subnet_id           = azurerm_subnet.endpoints.id
  tags                = local.tags

  private_service_connection {
    name                           = "storage"
    private_connection_resource_id = azurerm_storage_account.main[0].id
    subresource_names              = ["blob"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "storage"
    private_dns_zone_ids = [azurerm_private_dns_zone.main["storage"].id]
  }
}
