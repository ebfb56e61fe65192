# The canonical outputs, in the same order and words on every cloud (ops/contract/contract.yaml, outputs).

locals {
  # Connections that the roles may open at once: while a release replaces another, both run.
  connections = sum(concat([0], [
    for role in local.of_database : (
      try(local.contract.roles[role].pool_size, 1) * local.sizes[role].max
      * (contains(local.services, role) || (role == "worker" && local.worker_overlaps) ? 2 : 1)
    )
  ]))

  unfit_sizes = [
    for role, size in local.sizes : "${role} (${size.cpu} CPUs, ${size.memory} MiB)"
    if !contains(try(local.fargate[tostring(size.cpu)], []), size.memory)
  ]
  unfit_ranges = [for role, size in local.sizes : role if size.min > size.max]
  unfit_stops  = [for role in local.roles : role if local.contract.roles[role].stop_seconds > 120]
  # ECS takes 64 KiB for one definition; the rest of it is a few hundred characters.
  too_large = [for role in local.roles : role if length(jsonencode([local.containers[role]])) > 60000]
}

output "api_url" {
  description = "Where the api answers from outside; null if it is not public"
  value       = var.api_domain != null ? try("https://${local.hosts.api}", null) : null
}

output "web_url" {
  description = "Where the application answers"
  value       = try("https://${local.hosts.web}", null)
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
  value       = aws_db_instance.main.address
}

output "redis_endpoint" {
  description = "Host name of Redis"
  value       = local.redis_host
}

output "redis_port" {
  description = "Port of Redis"
  value       = local.redis_port
}

output "secret_ids" {
  description = "Variable to the id of its secret"
  value       = { for name, secret in aws_secretsmanager_secret.made : name => secret.arn }
}

output "identities" {
  description = "Role to the identity it runs as"
  value       = { for role, identity in aws_iam_role.task : role => identity.arn }
}

output "migrate_job" {
  description = "Name of the job that migrates the database"
  value       = one(values(aws_ecs_task_definition.migrate)[*].family)
}

output "worker_service" {
  description = "Name of the worker's service"
  value       = one(values(aws_ecs_service.worker)[*].name)
}

output "database_ca_cert" {
  description = "PEM of the authority that signed the database's certificate"
  value       = local.database_ca_cert

  precondition {
    condition     = fileexists(local.database_ca_file)
    error_message = "There is no rds-ca/${var.region}.pem: put the roots of RDS in this region there (AWS publishes them), or choose another region. Without them nobody can tell the database from an impostor."
  }
}

output "contract_version" {
  description = "Version of the contract that was deployed"
  value       = local.contract.version
}

output "env_names" {
  description = "Per role the names of its variables; never values"
  value       = { for role in local.roles : role => sort(concat(keys(local.env[role]), keys(local.secrets[role]))) }

  precondition {
    condition     = length(flatten(values(local.missing))) == 0
    error_message = "Required variables have no value: ${join("; ", [for role, names in local.missing : "${role}: ${join(", ", names)}" if length(names) > 0])}. Set them in api_env, web_env or worker_env (worker_env is migrate's, too)."
  }

  precondition {
    condition     = length(local.unfit_sizes) == 0
    error_message = "Fargate has no such size: ${join(", ", local.unfit_sizes)}. It takes 0.25 CPUs with 512 to 2048 MiB, 0.5 with 1024 to 4096, 1 with 2048 to 8192, 2 with 4096 to 16384 (steps of 1024), and 4, 8 or 16 with more."
  }

  precondition {
    condition     = length(local.unfit_ranges) == 0
    error_message = "The fewest instances are more than the most for ${join(", ", local.unfit_ranges)}: raise …_max_instances, or lower …_min_instances (production begins with 2)."
  }

  precondition {
    condition     = length(local.unfit_stops) == 0
    error_message = "Fargate gives a task at most 120 seconds to stop, and the contract asks for more for ${join(", ", local.unfit_stops)}: lower stop_seconds in contract.yaml."
  }

  precondition {
    condition     = local.max_connections == null || local.connections < coalesce(local.max_connections, 0)
    error_message = "The roles may open ${local.connections} connections, and ${local.database_class} allows about ${coalesce(local.max_connections, 0)}: choose a larger db_size, fewer …_max_instances, or a smaller pool_size in contract.yaml."
  }

  precondition {
    condition     = length(local.too_large) == 0
    error_message = "ECS takes 64 KiB for a task definition, and the variables of ${join(", ", local.too_large)} need more: shorten what api_env, web_env or worker_env hold."
  }

  precondition {
    condition     = var.registry_server == null || length(local.by_login) > 0
    error_message = "registry_server is ${coalesce(var.registry_server, "-")}, but no image begins with it: write the images as ${coalesce(var.registry_server, "-")}/…@sha256:…, or leave the registry_… inputs out."
  }
}
