output "api_url" {
  description = "Where the api answers from outside; null if it is not public"
  value       = contains(keys(local.hosts), "api") ? "https://${var.api_domain}" : null
}

output "web_url" {
  description = "Where the application answers"
  value       = contains(local.roles, "web") ? "https://${var.app_domain}" : null
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
  value       = google_sql_database_instance.main.private_ip_address
}

output "redis_endpoint" {
  description = "Host name of Redis"
  value       = google_redis_instance.main.host
}

output "redis_port" {
  description = "Port of Redis"
  value       = google_redis_instance.main.port
}

output "secret_ids" {
  description = "Variable to the id of its secret"
  value = merge(
    { for name, reference in merge(values(local.given_for)...) : name => split("/versions/", reference)[0] },
    { for name, secret in google_secret_manager_secret.made : name => secret.id },
  )
}

output "identities" {
  description = "Role to the identity it runs as"
  value       = { for role, account in google_service_account.role : role => account.email }
}

output "migrate_job" {
  description = "Name of the job that migrates the database"
  value       = one(values(google_cloud_run_v2_job.role)[*].name)
}

output "worker_service" {
  description = "Name of the worker's service"
  value       = one(values(google_cloud_run_v2_worker_pool.role)[*].name)
}

output "database_ca_cert" {
  description = "PEM of the authority that signed the database's certificate"
  value       = local.composed.database_ca_cert
}

output "contract_version" {
  description = "Version of the contract that was deployed"
  value       = local.contract.version
}

# What Cloud Run gives for so much CPU, in MiB.
locals {
  memory_limits = {
    "1" = [512, 4096]
    "2" = [512, 8192]
    "4" = [2048, 16384]
    "6" = [4096, 24576]
    "8" = [4096, 32768]
  }
  scaled = [for role in ["api", "web", "worker"] : role if contains(local.roles, role)]
  wrong_sizes = [
    for role in local.scaled : "${role} has ${local.cpu[role]} CPU and ${local.memory_mib[role]} MiB" if !try(
      local.memory_mib[role] >= local.memory_limits[tostring(local.cpu[role])][0] && local.memory_mib[role] <= local.memory_limits[tostring(local.cpu[role])][1],
      false,
    )
  ]
  wrong_counts = [
    for role in local.scaled : "${role}_max_instances is ${local.max_instances[role]}, ${role}_min_instances ${local.min_instances[role]}"
    if local.max_instances[role] < local.min_instances[role]
  ]
  slow_starts = [
    for role in local.services : "${role} has ${local.contract.roles[role].start_seconds}"
    if local.contract.roles[role].start_seconds > 240
  ]
}

output "env_names" {
  description = "Per role the names of its variables; never values"
  value       = { for role in local.roles : role => sort(concat(keys(local.env[role]), keys(local.secrets[role]))) }

  precondition {
    condition     = length(lookup(local.missing, "api", [])) == 0
    error_message = "The role api lacks variables that the profile ${var.environment} requires: ${join(", ", lookup(local.missing, "api", []))}. Set them in api_env, or set the input that they come from."
  }

  precondition {
    condition     = length(lookup(local.missing, "web", [])) == 0
    error_message = "The role web lacks variables that the profile ${var.environment} requires: ${join(", ", lookup(local.missing, "web", []))}. Set them in web_env, or set the input that they come from."
  }

  precondition {
    condition     = length(lookup(local.missing, "worker", [])) == 0
    error_message = "The role worker lacks variables that the profile ${var.environment} requires: ${join(", ", lookup(local.missing, "worker", []))}. Set them in worker_env, or set the input that they come from."
  }

  precondition {
    condition     = length(lookup(local.missing, "migrate", [])) == 0
    error_message = "The role migrate lacks variables that the profile ${var.environment} requires: ${join(", ", lookup(local.missing, "migrate", []))}. Set them in worker_env, or set the input that they come from."
  }

  precondition {
    condition     = length(local.wrong_sizes) == 0
    error_message = "Cloud Run has no such size: ${join("; ", local.wrong_sizes)}. Take 1 CPU with 512 to 4096 MiB, 2 with 512 to 8192, 4 with 2048 to 16384, 6 with 4096 to 24576 or 8 with 4096 to 32768."
  }

  precondition {
    condition     = length(local.wrong_counts) == 0
    error_message = "A role cannot have more instances at least than at most: ${join("; ", local.wrong_counts)}. Raise the one or lower the other."
  }

  precondition {
    condition     = !contains(local.roles, "worker") || var.worker_max_instances == var.worker_min_instances
    error_message = "worker_max_instances must equal worker_min_instances here: a Cloud Run worker pool does not scale by itself. Set both to how many workers shall run."
  }

  precondition {
    condition     = local.db_connections < local.db_max_connections
    error_message = "The roles could open ${local.db_connections} connections at once, but ${local.db_tier} takes fewer than ${local.db_max_connections}. Take a larger db_size, or lower api_max_instances or worker_max_instances."
  }

  precondition {
    condition     = local.run_addresses_used <= local.run_addresses
    error_message = "Cloud Run may need ${local.run_addresses_used} addresses, but its subnet ${local.run_cidr} has ${local.run_addresses}. Take a larger network_cidr, or lower the roles' max_instances."
  }

  precondition {
    condition     = length(local.slow_starts) == 0
    error_message = "Cloud Run waits 240 seconds at most for a start: ${join("; ", local.slow_starts)}. Lower start_seconds in contract.yaml."
  }

  precondition {
    condition     = var.registry_server == null || !var.manage_image || length(local.private_images) > 0
    error_message = "registry_server is set, but no image comes from there. Give images that begin with its name, or leave out registry_server."
  }
}
