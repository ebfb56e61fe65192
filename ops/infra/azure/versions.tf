terraform {
  required_version = ">= 1.11, < 2.0" # write-only arguments

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 5.0, < 6"
    }
  }
}

provider "azurerm" {
  subscription_id     = var.subscription_id
  storage_use_azuread = true # the storage account takes no shared keys

  # Since 5.0 the provider registers none by itself; these are what the files here use.
  resource_providers_to_register = [
    "Microsoft.App",
    "Microsoft.Cache",
    "Microsoft.DBforPostgreSQL",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
  ]

  features {
    key_vault {
      # A destroyed vault or secret can be recovered until its retention ends, and making it again
      # recovers it. Purging frees the name at once: for what is thrown away anyway.
      purge_soft_delete_on_destroy          = var.environment == "development"
      purge_soft_deleted_secrets_on_destroy = var.environment == "development"
      recover_soft_deleted_key_vaults       = true
      recover_soft_deleted_secrets          = true
    }

    resource_group {
      prevent_deletion_if_contains_resources = true
    }

    storage {
      data_plane_available = false # the account answers inside the network only
    }
  }
}
