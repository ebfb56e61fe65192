# One identity per role, each with rights to single secrets and, where the role stores objects, to
# the one container. Rights are given before the apps: an app whose secret cannot be read is refused.

resource "azurerm_user_assigned_identity" "role" {
  for_each = toset(local.roles)

  name                = "${local.name}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = merge(local.tags, { role = each.key })
}

# The secrets that this stack makes, each to exactly the roles that get it.
resource "azurerm_role_assignment" "secret" {
  for_each = merge([
    for role, names in local.made_for : { for name in names : "${role}/${name}" => { role = role, name = name } }
  ]...)

  scope                = azurerm_key_vault_secret.made[each.value.name].resource_versionless_id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.role[each.value.role].principal_id
  principal_type       = "ServicePrincipal" # spares the look-up of an identity that is seconds old
}

resource "azurerm_role_assignment" "registry" {
  for_each = var.registry_server != null ? toset(local.roles) : []

  scope                = azurerm_key_vault_secret.registry[0].resource_versionless_id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.role[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

# The signing keys are read by the application itself.
resource "azurerm_role_assignment" "signing" {
  for_each = local.signs_here ? toset(local.signers) : []

  scope                = azurerm_key_vault_secret.signing[0].resource_versionless_id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.role[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "storage" {
  for_each = local.stores_here ? toset(local.storers) : []

  scope                = azurerm_storage_container.main[0].id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.role[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

# The key that signs addresses of single objects belongs to the account; it opens no object that
# the role could not open itself.
resource "azurerm_role_assignment" "delegation" {
  for_each = local.stores_here ? toset(local.storers) : []

  scope                = azurerm_storage_account.main[0].id
  role_definition_name = "Storage Blob Delegator"
  principal_id         = azurerm_user_assigned_identity.role[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

# Who runs Terraform writes the secrets, for which being the subscription's owner is not enough.
data "azurerm_client_config" "current" {}

resource "azurerm_role_assignment" "operator" {
  scope                = azurerm_key_vault.main.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = data.azurerm_client_config.current.object_id

  lifecycle {
    ignore_changes = [principal_id] # the first who applies keeps it; others are given it by hand (hosting-azure.md)
  }
}
