# What each role gets, and what kills, gates and exposes it. Nothing is made: Azure is mocked.

mock_provider "azurerm" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  project_name    = "shop"
  region          = "westeurope"
  subscription_id = "00000000-0000-0000-0000-000000000000"
  operator_ranges = ["203.0.113.7/32"]
  api_image       = "registry.example.com/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  web_image       = "registry.example.com/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  app_public_url  = "https://app.example.com"
  app_domain      = "app.example.com"
  secret_values = {
    SECRET_KEY                  = "a-value-that-nobody-uses-anywhere"
    AUTH_SESSION_ENCRYPTION_KEY = "a-value-that-nobody-uses-anywhere"
    AUTH_PASSWORD_PEPPER        = "a-value-that-nobody-uses-anywhere"
  }
  db_admin_password = "A-password-that-nobody-uses-0"
}

run "a_private_api" {
  command = plan

  assert {
    condition     = alltrue([for secret in azurerm_container_app.service["api"].secret : can(regex(local.contract.secret_name, secret.name))])
    error_message = "the api's secrets are called ${join(", ", [for secret in azurerm_container_app.service["api"].secret : secret.name])}"
  }

  assert {
    condition     = one([for item in azurerm_container_app.service["api"].template[0].container[0].env : item.secret_name if item.name == "DATABASE_URL"]) == "database-url"
    error_message = "DATABASE_URL is not the secret database-url"
  }

  assert {
    condition     = length(azurerm_container_app.service["web"].secret) == 0
    error_message = "web has secrets"
  }

  assert {
    condition     = !anytrue([for name in output.env_names.web : startswith(name, "DATABASE_") || startswith(name, "REDIS_")])
    error_message = "web gets ${join(", ", output.env_names.web)}"
  }

  assert {
    condition     = join(",", [for secret in azurerm_container_app_job.migrate["migrate"].secret : secret.name]) == "database-url"
    error_message = "migrate has other secrets than database-url"
  }

  assert {
    condition     = azurerm_container_app_job.migrate["migrate"].replica_retry_limit == 0
    error_message = "a failed migration is repeated"
  }

  assert {
    condition = alltrue([
      for role, app in azurerm_container_app.service : alltrue([
        app.template[0].container[0].startup_probe[0].path == local.contract.roles[role].health.live,
        app.template[0].container[0].liveness_probe[0].path == local.contract.roles[role].health.live,
        app.template[0].container[0].readiness_probe[0].path == local.contract.roles[role].health.ready,
      ])
    ])
    error_message = "a probe asks the wrong path"
  }

  assert {
    condition     = length(azurerm_container_app.worker["worker"].ingress) == 0 && length(azurerm_container_app.worker["worker"].template[0].container[0].liveness_probe) == 0
    error_message = "the worker is asked over HTTP, which it does not answer"
  }

  assert {
    condition     = !azurerm_container_app.service["api"].ingress[0].external_enabled && azurerm_container_app.service["web"].ingress[0].external_enabled
    error_message = "the api is public, or web is not"
  }

  assert {
    condition     = one([for item in azurerm_container_app.service["web"].template[0].container[0].env : item.value if item.name == "API_BASE_URL"]) == "https://shop-api.internal.mocked.westeurope.azurecontainerapps.io"
    error_message = "web does not call the api inside the environment"
  }

  assert {
    condition     = length(azurerm_container_app_custom_domain.main) == 0
    error_message = "a name is bound before DNS knows it"
  }
}

run "a_public_api_with_names_a_registry_and_ci" {
  command = plan

  variables {
    app_domain        = "example.com"
    api_domain        = "api.example.com"
    dns_zone          = "example.com"
    secrets_version   = 2
    registry_server   = "registry.example.com"
    registry_username = "reader"
    registry_password = "a-token-that-nobody-uses"
    github_repository = "acme/shop"
    manage_image      = false
  }

  assert {
    condition     = azurerm_container_app.service["api"].ingress[0].external_enabled && output.api_url == "https://api.example.com"
    error_message = "the api is not public"
  }

  assert {
    condition     = one([for item in azurerm_container_app.service["api"].template[0].container[0].env : item.value if item.name == "ALLOWED_HOSTS"]) == "api.example.com,shop-api.mocked.westeurope.azurecontainerapps.io"
    error_message = "the api does not answer to its names"
  }

  assert {
    condition     = azurerm_dns_a_record.main["web"].name == "@" && azurerm_dns_txt_record.ownership["web"].name == "asuid"
    error_message = "the zone's own name has no address, or no proof"
  }

  assert {
    condition     = azurerm_dns_cname_record.main["api"].name == "api" && azurerm_dns_txt_record.ownership["api"].name == "asuid.api"
    error_message = "a name in the zone has no CNAME, or no proof"
  }

  assert {
    condition     = join(",", keys(azurerm_container_app_environment_managed_certificate.main)) == "api,web"
    error_message = "a name has no certificate"
  }

  # Writing secrets anew makes new revisions: instances that run keep what they were started with.
  assert {
    condition     = endswith(azurerm_container_app.service["api"].template[0].http_scale_rule[0].name, "-2") && endswith(azurerm_container_app.worker["worker"].template[0].custom_scale_rule[0].name, "-2")
    error_message = "instances that run would keep the old secrets"
  }

  assert {
    condition = alltrue([
      for resource in concat(values(azurerm_container_app.service), values(azurerm_container_app.worker), values(azurerm_container_app_job.migrate)) :
      resource.registry[0].password_secret_name == "registry-password" && contains([for secret in resource.secret : secret.name], "registry-password")
    ])
    error_message = "a role cannot pull its image"
  }

  assert {
    condition     = azurerm_federated_identity_credential.ci[0].subject == "repo:acme/shop:environment:production"
    error_message = "the token of ${azurerm_federated_identity_credential.ci[0].subject} is taken"
  }

  assert {
    condition     = !anytrue([for action in azurerm_role_definition.deploy[0].permissions[0].actions : strcontains(lower(action), "listsecrets") || strcontains(action, "*")])
    error_message = "CI may read secrets"
  }

  assert {
    condition     = azurerm_container_app_job.migrate["migrate"].template[0].container[0].image == data.azurerm_container_app.running["worker"].template[0].container[0].image
    error_message = "manage_image = false does not keep the image that runs"
  }
}

run "inputs_that_azure_refuses" {
  command = plan

  variables {
    project_name         = "two--dashes"
    subscription_id      = "my subscription"
    operator_ranges      = ["203.0.113.7"]
    network_cidr         = "172.30.0.0/16"
    dns_zone             = "example.org"
    storage_bucket_name  = "two--dashes"
    auth_key_secret_name = "a_name"
    db_name              = "postgres"
    db_admin_username    = "pg_owner"
    db_storage_gib       = 20
    db_instance_type     = "db.t4g.small"
    api_env              = { DATABASE_URL = "postgresql://elsewhere/app" }
    api_secrets          = { SECRET_KEY = "SECRET_KEY" }
  }

  expect_failures = [
    var.project_name,
    var.subscription_id,
    var.operator_ranges,
    var.network_cidr,
    var.dns_zone,
    var.storage_bucket_name,
    var.auth_key_secret_name,
    var.db_name,
    var.db_admin_username,
    var.db_storage_gib,
    var.db_instance_type,
    var.api_env,
    var.api_secrets,
  ]
}
