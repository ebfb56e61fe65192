# The same outputs on every cloud (ops/contract/contract.yaml, outputs).

output "api_url" {
  description = "Where the api answers from outside; null if it is not public"
  value       = lookup(local.exposed, "api", false) ? try("https://${lookup(local.domains, "api", local.hosts.api)}", null) : null
}

output "web_url" {
  description = "Where the application answers"
  value       = try("https://${lookup(local.domains, "web", local.hosts.web)}", null)
}

output "dns_records" {
  description = "Records to make by hand, each with name, type and value; none with dns_zone"
  value       = local.dns_records
}

output "storage_bucket" {
  description = "Name of the bucket or container"
  value       = local.composed.storage_bucket
}

output "database_endpoint" {
  description = "Host name of Postgres"
  value       = azurerm_postgresql_flexible_server.main.fqdn
}

output "redis_endpoint" {
  description = "Host name of Redis"
  value       = azurerm_managed_redis.main.hostname
}

output "redis_port" {
  description = "Port of Redis"
  value       = azurerm_managed_redis.main.default_database[0].port
}

output "secret_ids" {
  description = "Variable to the id of its secret"
  value       = local.secret_references
}

output "identities" {
  description = "Role to the identity it runs as"
  value       = { for role, identity in azurerm_user_assigned_identity.role : role => identity.id }
}

output "migrate_job" {
  description = "Name of the job that migrates the database"
  value       = one(values(azurerm_container_app_job.migrate)[*].name)
}

output "worker_service" {
  description = "Name of the worker's service"
  value       = one(values(azurerm_container_app.worker)[*].name)
}

output "database_ca_cert" {
  description = "PEM of the authority that signed the database's certificate"
  value       = "" # public roots, which images have
}

output "contract_version" {
  description = "Version of the contract that was deployed"
  value       = local.contract.version
}

output "env_names" {
  description = "Per role the names of its variables; never values"
  value = {
    for role in local.roles : role => sort(concat(keys(local.env[role]), keys(local.secrets[role])))
  }

  precondition {
    condition = alltrue([for names in values(local.missing) : length(names) == 0])
    error_message = join(" ", concat(
      [for role, names in local.missing : "${role} lacks ${join(", ", names)}." if length(names) > 0],
      ["Set them in ${join(", ", distinct([for role, names in local.missing : "${role == "migrate" ? "worker" : role}_env" if length(names) > 0]))}."],
    ))
  }

  precondition {
    condition = alltrue([
      for size in values(local.sizes) :
      size.cpu >= 0.25 && size.cpu <= 4 && floor(size.cpu * 4) == size.cpu * 4 && size.memory_mib == size.cpu * 2048
    ])
    error_message = "Container Apps takes 0.25 to 4 CPUs in steps of 0.25, with 2048 MiB for each: correct cpu and memory_mib of ${join(", ", [for role, size in local.sizes : role if !(size.cpu >= 0.25 && size.cpu <= 4 && floor(size.cpu * 4) == size.cpu * 4 && size.memory_mib == size.cpu * 2048)])} (migrate has the worker's)."
  }

  precondition {
    condition     = alltrue([for size in values(local.sizes) : size.max >= size.min && size.max <= 300])
    error_message = "max_instances must be from min_instances to 300 for ${join(", ", [for role, size in local.sizes : role if size.max < size.min || size.max > 300])}."
  }

  precondition {
    condition     = local.db_memory_gib == 0 || 2 * sum(concat([0], values(local.db_pools))) < local.db_connections
    error_message = "The roles may open ${2 * sum(concat([0], values(local.db_pools)))} connections (max_instances x pool_size, twice while a revision follows another), and ${local.db_sku} takes ${local.db_connections}: choose a larger db_size, or fewer instances."
  }

  precondition {
    condition     = !(local.db_tier == "B" && local.db_high_availability)
    error_message = "${local.db_sku} is burstable and can have no standby: choose a GP_ or MO_ db_instance_type, or set db_high_availability = false."
  }

  precondition {
    condition     = try(tonumber(regex("^(?:Balanced_B|MemoryOptimized_M|ComputeOptimized_X)([0-9]+)$", local.redis_sku)[0]) <= 20, false)
    error_message = "redis_instance_type must be one of Balanced_B, MemoryOptimized_M or ComputeOptimized_X up to number 20, not ${local.redis_sku}: larger ones are clusters, which plain Redis clients cannot use."
  }

  precondition {
    condition = alltrue([
      for role in local.roles : try(local.contract.roles[role].stop_seconds, 0) <= 600 && try(local.contract.roles[role].start_seconds, 0) <= 480
    ])
    error_message = "Container Apps waits at most 600 seconds for a stop and 480 for a start: lower stop_seconds or start_seconds in contract.yaml."
  }

  precondition {
    condition     = length(setintersection(local.contract.reserved, flatten([for role in local.roles : concat(keys(local.env[role]), keys(local.secrets[role]))]))) == 0
    error_message = "Container Apps sets ${join(", ", local.contract.reserved)} itself: take them out of contract.yaml."
  }
}
