# Two groups: what holds data is in one of its own, which can be locked.

resource "azurerm_resource_group" "main" {
  name     = local.name
  location = var.region
  tags     = local.tags
}

resource "azurerm_resource_group" "data" {
  name     = "${local.name}-data"
  location = var.region
  tags     = local.tags
}

# Azure's servers have no deletion protection of their own. A lock that named a server would be
# removed before it, by the same destroy; this one is there before whatever lies in the group and
# is removed after it, so destroying or replacing any of it fails until protection is off.
resource "azurerm_management_lock" "data" {
  count = local.deletion_protection ? 1 : 0

  name       = "no-deletion"
  scope      = azurerm_resource_group.data.id
  lock_level = "CanNotDelete"
  notes      = "Set deletion_protection = false and apply, to be able to delete what is in this group."
}

resource "azurerm_virtual_network" "main" {
  name                = local.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  address_space       = [var.network_cidr]
  tags                = local.tags
}

locals {
  prefix = tonumber(split("/", var.network_cidr)[1])
  ranges = {
    apps      = cidrsubnet(var.network_cidr, 23 - local.prefix, 0) # /27 is the least; a revision's successor needs room beside it
    database  = cidrsubnet(var.network_cidr, 24 - local.prefix, 2)
    endpoints = cidrsubnet(var.network_cidr, 24 - local.prefix, 3)
  }
  ports = { for store, connection in local.contract.connections : store => tostring(connection.port) }
}

# Container Apps. Requests from outside come in by the environment's public address and do not pass
# this subnet's rules.
resource "azurerm_subnet" "apps" {
  name                 = "apps"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [local.ranges.apps]

  delegation {
    name = "apps"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "database" {
  name                 = "database"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [local.ranges.database]

  delegation {
    name = "database"

    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }

  service_endpoint {
    service = "Microsoft.Storage" # the server writes its log files and backups there
  }
}

resource "azurerm_subnet" "endpoints" {
  name                              = "endpoints"
  resource_group_name               = azurerm_resource_group.main.name
  virtual_network_name              = azurerm_virtual_network.main.name
  address_prefixes                  = [local.ranges.endpoints]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "NetworkSecurityGroupEnabled" # else the rules below do not hold for endpoints
}

# Rules. Each subnet that holds data lets in who needs it and nobody else: the last rule stands before
# Azure's own, which lets in the whole network; the world is shut out by Azure's last.
locals {
  guarded = {
    apps      = azurerm_subnet.apps.id
    database  = azurerm_subnet.database.id
    endpoints = azurerm_subnet.endpoints.id
  }
  rules = {
    database-from-apps   = { to = "database", priority = 100, access = "Allow", from = local.ranges.apps, port = local.ports.postgres, why = "The roles reach Postgres." }
    database-from-itself = { to = "database", priority = 110, access = "Allow", from = local.ranges.database, port = "*", why = "The server and its standby reach each other." }
    database-from-others = { to = "database", priority = 4000, access = "Deny", from = "VirtualNetwork", port = "*", why = "Nobody else reaches Postgres." }
    redis-from-apps      = { to = "endpoints", priority = 100, access = "Allow", from = local.ranges.apps, port = local.ports.redis, why = "The roles reach Redis." }
    https-from-network   = { to = "endpoints", priority = 110, access = "Allow", from = "VirtualNetwork", port = "443", why = "The roles, and Terraform where it runs in the network, reach the vault and the blobs." }
    endpoint-from-others = { to = "endpoints", priority = 4000, access = "Deny", from = "VirtualNetwork", port = "*", why = "Nobody else reaches an endpoint." }
  }
}

resource "azurerm_network_security_group" "main" {
  for_each = toset(["apps", "database", "endpoints"])

  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_network_security_rule" "main" {
  for_each = local.rules

  name                        = each.key
  resource_group_name         = azurerm_resource_group.main.name
  network_security_group_name = azurerm_network_security_group.main[each.value.to].name
  priority                    = each.value.priority
  direction                   = "Inbound"
  access                      = each.value.access
  protocol                    = each.value.access == "Allow" ? "Tcp" : "*"
  source_address_prefix       = each.value.from
  source_port_range           = "*"
  destination_address_prefix  = local.ranges[each.value.to]
  destination_port_range      = each.value.port
  description                 = each.value.why
}

resource "azurerm_subnet_network_security_group_association" "main" {
  for_each = local.guarded

  subnet_id                 = each.value
  network_security_group_id = azurerm_network_security_group.main[each.key].id

  # A subnet never has a group without its rules.
  depends_on = [azurerm_network_security_rule.main]
}

# Private names. Flexible Server wants a zone whose name ends like its own and is not the server's.
resource "azurerm_private_dns_zone" "main" {
  for_each = {
    for store, zone in {
      database = "${local.name}.private.postgres.database.azure.com"
      redis    = "privatelink.redis.azure.net"
      storage  = "privatelink.blob.core.windows.net"
      vault    = "privatelink.vaultcore.azure.net"
    } : store => zone if store != "storage" || local.stores_here
  }

  name                = each.value
  resource_group_name = azurerm_resource_group.main.name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "main" {
  for_each = azurerm_private_dns_zone.main

  name                = each.key
  private_dns_zone_id = each.value.id
  virtual_network_id  = azurerm_virtual_network.main.id
  tags                = local.tags
}
