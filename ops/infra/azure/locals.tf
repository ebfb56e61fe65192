# What this cloud adds to the contract (contract.tf): names, the profile, sizes, and what it composes.

locals {
  # Names. What must be unique in all of Azure carries a digest of what it belongs to, so that it
  # needs no random provider and stays the same when the state is lost.
  name   = "${var.project_name}-${var.environment}"
  unique = substr(sha1("${var.subscription_id}/${var.region}/${local.name}"), 0, 8)
  names = {
    vault   = "${trimsuffix(substr(var.project_name, 0, 15), "-")}-${local.unique}" # at most 24
    storage = "${replace(substr(var.project_name, 0, 16), "-", "")}${local.unique}" # at most 24, no dash
    roles   = { for role in local.roles : role => "${var.project_name}-${role}" }   # at most 32, unique in the environment
  }
  tags = {
    application = local.contract.application
    project     = var.project_name
    environment = var.environment
    managed-by  = "terraform"
  }

  # The profile: availability, protection and backups, and nothing else.
  production              = var.environment == "production"
  deletion_protection     = var.deletion_protection != null ? var.deletion_protection : local.production
  db_high_availability    = var.db_high_availability != null ? var.db_high_availability : local.production
  redis_high_availability = var.redis_high_availability != null ? var.redis_high_availability : local.production

  # Roles
  services = toset(setintersection(["api", "web"], local.roles))
  least    = local.production ? 2 : 1
  sizes = {
    for role, size in {
      api = {
        cpu = var.api_cpu, memory_mib = var.api_memory_mib, max = var.api_max_instances
        min = var.api_min_instances != null ? var.api_min_instances : local.least
      }
      web = {
        cpu = var.web_cpu, memory_mib = var.web_memory_mib, max = var.web_max_instances
        min = var.web_min_instances != null ? var.web_min_instances : local.least
      }
      worker  = { cpu = var.worker_cpu, memory_mib = var.worker_memory_mib, max = var.worker_max_instances, min = var.worker_min_instances }
      migrate = { cpu = var.worker_cpu, memory_mib = var.worker_memory_mib, max = 1, min = 1 }
    } : role => size if contains(local.roles, role)
  }
  given_images = {
    api     = var.api_image
    web     = var.web_image
    worker  = var.worker_image != null ? var.worker_image : var.api_image
    migrate = var.worker_image != null ? var.worker_image : var.api_image
  }
  # Nobody can read which image a job has, so migrate keeps the one of the role whose image it runs,
  # and the one that is given where there is no such role.
  running = { for role, app in data.azurerm_container_app.running : role => app.template[0].container[0].image }
  images = {
    for role in local.roles : role => (
      var.manage_image ? local.given_images[role] : try(local.running[role], local.running["worker"], local.running["api"], local.given_images[role])
    )
  }

  # Where roles answer. The environment's own domain is known before any app is, so that no app
  # needs the name of another, or its own.
  exposed = {
    for role in local.services : role => anytrue([
      local.contract.roles[role].exposure == "public",
      local.contract.roles[role].exposure == "optional" && var.api_domain != null,
    ])
  }
  hosts = {
    for role in local.services : role => join(".", concat(
      [local.names.roles[role]],
      local.exposed[role] ? [] : ["internal"],
      [azurerm_container_app_environment.main.default_domain],
    ))
  }
  domains = {
    for role, domain in { api = var.api_domain, web = var.app_domain } : role => domain
    if domain != null && lookup(local.exposed, role, false)
  }

  # Postgres. Sizes of one family, all of which can have a standby; what the service reserves for
  # itself is taken off the connections.
  db_sku  = var.db_instance_type != null ? var.db_instance_type : { small = "GP_Standard_D2ds_v5", medium = "GP_Standard_D4ds_v5", large = "GP_Standard_D8ds_v5" }[var.db_size]
  db_tier = split("_", local.db_sku)[0]
  db_memory_gib = try(
    { B1ms = 2, B2s = 4, B2ms = 8, B4ms = 16, B8ms = 32, B12ms = 48, B16ms = 64, B20ms = 80 }[split("_", local.db_sku)[2]],
    tonumber(regex("^[DE]C?([0-9]+)", split("_", local.db_sku)[2])[0]) * { GP = 4, MO = 8 }[local.db_tier],
    0,
  )
  db_connections = max(15, [
    for memory, connections in { 2 = 50, 4 = 429, 8 = 859, 16 = 1718, 32 = 3437, 64 = 5000 } :
    connections if tonumber(memory) <= local.db_memory_gib
  ]...) - 15
  db_pools = {
    for role, size in local.sizes : role => size.max * local.contract.roles[role].pool_size
    if try(local.contract.roles[role].pool_size, null) != null
  }

  # Redis
  redis_sku = var.redis_instance_type != null ? var.redis_instance_type : { small = "Balanced_B1", medium = "Balanced_B5", large = "Balanced_B20" }[var.redis_size]

  # Signing keys lie in the vault where either provider of the application's secrets is the vault.
  signs_here = contains([local.inputs.secrets_provider, local.inputs.auth_key_storage_provider], "azure_kv")
  signers    = [for role, items in local.applying_to : role if contains(keys(items), "AUTH_KEY_SECRET_NAME")]
  # Who stores and reads objects.
  stores_here = var.storage_provider == "azure_blob"
  storers     = [for role, items in local.applying_to : role if contains(keys(items), "STORAGE_PROVIDER")]

  # What contract.tf asks for.
  composed = {
    api_base_url     = var.api_base_url != null ? var.api_base_url : "https://${try(local.hosts.api, "")}"
    allowed_hosts    = join(",", compact([var.api_domain, try(local.hosts.api, null)]))
    allowed_origins  = regex("^https?://[^/?#]+", var.app_public_url)
    storage_bucket   = one(azurerm_storage_container.main[*].name)
    blob_account_url = try(trimsuffix(azurerm_storage_account.main[0].primary_blob_endpoint, "/"), null)
    key_vault_url    = trimsuffix(azurerm_key_vault.main.vault_uri, "/")
    signing_secret   = coalesce(one(azurerm_key_vault_secret.signing[*].name), var.auth_key_secret_name)
  }
  composed_by_role = {
    port               = { for role, item in local.contract.roles : role => tostring(item.port) if try(item.port, null) != null }
    pool_size          = { for role, item in local.contract.roles : role => tostring(item.pool_size) if try(item.pool_size, null) != null }
    identity_client_id = { for role in local.roles : role => azurerm_user_assigned_identity.role[role].client_id }
  }
  secret_references = { for name in local.made_secrets : name => azurerm_key_vault_secret.made[name].versionless_id }

  # What the two services refer to a secret by: a secret of an app has a name of its own.
  app_secrets = {
    for role in local.roles : role => merge(
      { for name, reference in local.secrets[role] : lower(replace(name, "_", "-")) => reference },
      { for secret in azurerm_key_vault_secret.registry : "registry-password" => secret.versionless_id },
    )
  }
}
