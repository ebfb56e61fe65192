# Trust for GitHub Actions, without any key: the token of a job in this repository and environment
# is exchanged for this identity, which may deploy images and run the migration, and nothing else.

resource "azurerm_user_assigned_identity" "ci" {
  count = var.github_repository != null ? 1 : 0

  name                = "${local.name}-ci"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "ci" {
  count = var.github_repository != null ? 1 : 0

  name                      = "github"
  user_assigned_identity_id = azurerm_user_assigned_identity.ci[0].id
  issuer                    = "https://token.actions.githubusercontent.com"
  audience                  = ["api://AzureADTokenExchange"]
  subject                   = "${coalesce(var.github_subject, "repo:${var.github_repository}")}:environment:${var.github_environment}"
}

resource "azurerm_role_definition" "deploy" {
  count = var.github_repository != null ? 1 : 0

  name        = "${local.name}-${local.unique} deploy"
  scope       = azurerm_resource_group.main.id
  description = "Deploy images to the apps of ${local.name} and run its migration; reads no secret."

  permissions {
    actions = [
      "Microsoft.App/containerApps/read",
      "Microsoft.App/containerApps/write",
      "Microsoft.App/containerApps/revisions/read",
      "Microsoft.App/containerApps/revisions/activate/action",
      "Microsoft.App/containerApps/revisions/deactivate/action",
      "Microsoft.App/containerApps/revisions/restart/action",
      "Microsoft.App/jobs/read",
      "Microsoft.App/jobs/write",
      "Microsoft.App/jobs/start/action",
      "Microsoft.App/jobs/execution/read",
      "Microsoft.App/jobs/executions/read",
      "Microsoft.App/managedEnvironments/read",
      "Microsoft.App/managedEnvironments/join/action",
      "Microsoft.ManagedIdentity/userAssignedIdentities/read",
      "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", # an app that has an identity cannot be written without
    ]
  }

  assignable_scopes = [azurerm_resource_group.main.id]
}

resource "azurerm_role_assignment" "ci" {
  for_each = {
    for name, id in merge(
      { for role, app in azurerm_container_app.service : "app-${role}" => app.id },
      { for role, app in azurerm_container_app.worker : "app-${role}" => app.id },
      { for role, job in azurerm_container_app_job.migrate : "job-${role}" => job.id },
      { for role, identity in azurerm_user_assigned_identity.role : "identity-${role}" => identity.id },
      { environment = azurerm_container_app_environment.main.id },
    ) : name => id if var.github_repository != null
  }

  scope              = each.value
  role_definition_id = azurerm_role_definition.deploy[0].role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.ci[0].principal_id
  principal_type     = "ServicePrincipal"
}
