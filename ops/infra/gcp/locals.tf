# What only this cloud knows: names, profile, sizes, and what contract.tf composes variables from.

locals {
  production = var.environment == "production"
  protected  = var.deletion_protection != null ? var.deletion_protection : local.production

  db_high_availability    = var.db_high_availability != null ? var.db_high_availability : local.production
  redis_high_availability = var.redis_high_availability != null ? var.redis_high_availability : local.production

  stage = { development = "dev", staging = "stg", production = "prod" }[var.environment]
  name  = "${var.project_name}-${local.stage}"
  labels = {
    application = var.project_name
    environment = var.environment
    managed-by  = "terraform"
  }

  # Roles by what runs them, and those that have storage and signing keys.
  services = [for role in ["api", "web"] : role if contains(local.roles, role)]
  pools    = [for role in ["worker"] : role if contains(local.roles, role)]
  jobs     = [for role in ["migrate"] : role if contains(local.roles, role)]
  backend  = [for role in ["api", "worker"] : role if contains(local.roles, role)]

  # A job's arguments can be replaced when it is run, its command cannot: `migrate status` needs that.
  commands = { for role in local.roles : role => try([local.contract.roles[role].command[0]], []) }
  arguments = {
    for role in local.roles : role => try(slice(local.contract.roles[role].command, 1, length(local.contract.roles[role].command)), [])
  }

  # Sizes. A worker pool does not scale by itself, and the job runs once at a time.
  cpu           = { api = var.api_cpu, web = var.web_cpu, worker = var.worker_cpu, migrate = var.worker_cpu }
  memory_mib    = { api = var.api_memory_mib, web = var.web_memory_mib, worker = var.worker_memory_mib, migrate = var.worker_memory_mib }
  max_instances = { api = var.api_max_instances, web = var.web_max_instances, worker = var.worker_max_instances, migrate = 1 }
  min_instances = {
    api    = var.api_min_instances != null ? var.api_min_instances : (local.production ? 2 : 1)
    web    = var.web_min_instances != null ? var.web_min_instances : (local.production ? 2 : 1)
    worker = var.worker_min_instances
  }

  # Images. Cloud Run cannot log in to a registry: what lies in the private one is pulled through
  # the remote repository (ci.tf), under the same path and digest.
  given_images = {
    api     = var.api_image
    web     = var.web_image
    worker  = var.worker_image != null ? var.worker_image : var.api_image
    migrate = var.worker_image != null ? var.worker_image : var.api_image
  }
  private_images = [
    for role in local.roles : role if try(startswith(local.given_images[role], "${var.registry_server}/"), false)
  ]
  images = {
    for role in local.roles : role => (
      !var.manage_image ? local.running_images[role] :
      contains(local.private_images, role) ? join("/", [
        "${var.region}-docker.pkg.dev",
        var.project_id,
        google_artifact_registry_repository.upstream[0].repository_id,
        trimprefix(local.given_images[role], "${var.registry_server}/"),
      ]) : local.given_images[role]
    )
  }

  # Where web's server reaches the api: Cloud Run's own address, which the private zone in network.tf
  # leads through the network. It is known before the service exists, so that ALLOWED_HOSTS can say it.
  internal_host = "${local.name}-api-${data.google_project.main.number}.${var.region}.run.app"
  uses_internal = contains(local.roles, "api") && contains(local.roles, "web") && var.api_base_url == null

  composed = {
    api_base_url = var.api_base_url != null ? var.api_base_url : "https://${local.internal_host}"
    allowed_hosts = join(",", distinct(compact([
      var.api_domain,
      local.internal_host,
      try(regex("^https?://([^/?#:]+)", var.api_base_url)[0], null),
    ])))
    allowed_origins  = regex("^https?://[^/?#]+", var.app_public_url)
    database_ca_cert = nonsensitive(google_sql_database_instance.main.server_ca_cert[0].cert)
    # More than one while the authority is being replaced.
    redis_ca_cert  = join("\n", nonsensitive(google_redis_instance.main.server_ca_certs[*].cert))
    storage_bucket = one(google_storage_bucket.storage[*].name)
    signing_secret = one(google_secret_manager_secret.signing_secret[*].secret_id)
    project_id     = var.project_id
  }

  # There is no port: Cloud Run sets PORT itself and refuses a deployment that does.
  composed_by_role = {
    pool_size     = { for role in local.roles : role => try(tostring(local.contract.roles[role].pool_size), null) }
    signing_email = { for role in local.roles : role => google_service_account.role[role].email }
  }

  # A version, never `latest`: a rollback brings back what ran, a rotation is a revision of its own.
  secret_references = { for name in local.made_secrets : name => google_secret_manager_secret_version.made[name].name }
}

# With manage_image = false CI deploys the images, and this stack keeps those that run.
data "google_cloud_run_v2_service" "running" {
  for_each = toset(var.manage_image ? [] : local.services)

  name     = "${local.name}-${each.key}"
  location = var.region
}

data "google_cloud_run_v2_worker_pool" "running" {
  for_each = toset(var.manage_image ? [] : local.pools)

  name     = "${local.name}-${each.key}"
  location = var.region
}

data "google_cloud_run_v2_job" "running" {
  for_each = toset(var.manage_image ? [] : local.jobs)

  name     = "${local.name}-${each.key}"
  location = var.region
}

locals {
  running_images = merge(
    { for role, service in data.google_cloud_run_v2_service.running : role => service.template[0].containers[0].image },
    { for role, pool in data.google_cloud_run_v2_worker_pool.running : role => pool.template[0].containers[0].image },
    { for role, job in data.google_cloud_run_v2_job.running : role => job.template[0].template[0].containers[0].image },
  )
}
