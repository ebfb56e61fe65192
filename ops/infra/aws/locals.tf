data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name       = "${var.project_name}-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix

  # What the profile decides: availability, protection and backups, and nothing else.
  production  = var.environment == "production"
  protected   = var.deletion_protection != null ? var.deletion_protection : local.production
  database_ha = var.db_high_availability != null ? var.db_high_availability : local.production
  redis_ha    = var.redis_high_availability != null ? var.redis_high_availability : local.production
  fewest      = local.production ? 2 : 1

  # Roles that answer requests, and of those the ones that the load balancer lets in.
  services = toset([for role in ["api", "web"] : role if contains(local.roles, role)])
  hosts = {
    for role, host in { api = var.api_domain, web = var.app_domain } : role => host
    if contains(local.roles, role) && host != null
  }
  # Where the names lead here, there is a certificate, and with it the way in: in one apply with a zone
  # here, else once the records are made.
  bound = { for role, host in local.hosts : role => host if var.dns_zone != null || var.dns_records_exist }

  # Roles by what the contract gives them; a role that is given nothing gets no way there either.
  of_database = toset([for role in local.roles : role if contains(keys(local.secrets[role]), "DATABASE_URL")])
  of_redis    = toset([for role in local.roles : role if contains(keys(local.secrets[role]), "REDIS_URL")])
  of_storage = toset([
    for role in local.roles : role if local.own_storage && anytrue([
      for item in values(local.plain[role]) : try(item.composed, "") == "storage_bucket"
    ])
  ])
  of_signing = toset([
    for role in local.roles : role if local.own_signing && anytrue([
      for item in values(local.plain[role]) : try(item.composed, "") == "signing_secret" || try(item.input, "") == "auth_key_secret_name"
    ])
  ])

  # Only what this cloud is to hold is made here.
  own_storage = var.storage_provider == "s3"
  own_signing = contains([var.secrets_provider, local.inputs.auth_key_storage_provider], "aws_sm")

  # Web's server reaches the api by this name inside the network (Service Connect, services.tf).
  connected    = contains(local.roles, "api") && contains(local.roles, "web")
  api_port     = try(local.contract.roles.api.port, 0)
  api_base_url = var.api_base_url != null ? var.api_base_url : "http://api:${local.api_port}"

  # What contract.tf asks this cloud for.
  composed = {
    api_base_url = local.api_base_url
    # A host that web's server calls is answered even when no browser may use it.
    allowed_hosts    = join(",", distinct(compact([var.api_domain, one(regex("^https?://([^/:?#]+)", local.api_base_url))])))
    allowed_origins  = regex("^https?://[^/?#]+", var.app_public_url)
    database_ca_cert = local.database_ca_cert
    storage_bucket   = one(aws_s3_bucket.storage[*].bucket)
    signing_secret   = one(aws_secretsmanager_secret.signing[*].arn)
  }
  composed_by_role = {
    port      = { for role in local.services : role => tostring(local.contract.roles[role].port) }
    pool_size = { for role in local.roles : role => tostring(try(local.contract.roles[role].pool_size, 1)) }
  }
  secret_references = { for name in local.made_secrets : name => aws_secretsmanager_secret.made[name].arn }

  # Sizes. The migrate job is no role with sizes of its own: it runs the worker's image.
  sizes = {
    for role, size in {
      api     = { cpu = var.api_cpu, memory = var.api_memory_mib, min = coalesce(var.api_min_instances, local.fewest), max = var.api_max_instances }
      web     = { cpu = var.web_cpu, memory = var.web_memory_mib, min = coalesce(var.web_min_instances, local.fewest), max = var.web_max_instances }
      worker  = { cpu = var.worker_cpu, memory = var.worker_memory_mib, min = var.worker_min_instances, max = var.worker_max_instances }
      migrate = { cpu = var.worker_cpu, memory = var.worker_memory_mib, min = 0, max = 1 }
    } : role => size if contains(local.roles, role)
  }

  # Memory in MiB that Fargate takes with so many CPUs.
  fargate = {
    "0.25" = [512, 1024, 2048]
    "0.5"  = range(1024, 4097, 1024)
    "1"    = range(2048, 8193, 1024)
    "2"    = range(4096, 16385, 1024)
    "4"    = range(8192, 30721, 1024)
    "8"    = range(16384, 61441, 4096)
    "16"   = range(32768, 122881, 8192)
  }

  # Images: those that are given, or those that run now. Nobody can read which image the job has: it
  # keeps that of the role whose image it runs, and the one that is given where there is no such role.
  given_images = {
    for role, image in {
      api     = var.api_image
      web     = var.web_image
      worker  = var.worker_image != null ? var.worker_image : var.api_image
      migrate = var.worker_image != null ? var.worker_image : var.api_image
    } : role => image if contains(local.roles, role)
  }
  running = { for role, found in data.aws_ecs_container_definition.running : role => found.image }
  images = {
    for role in local.roles : role => (
      var.manage_image ? local.given_images[role] : try(local.running[role], local.running["worker"], local.running["api"], local.given_images[role])
    )
  }

  # Images in ECR need rights and endpoints of their own: the registry's account, its region, the repository.
  in_ecr = {
    for role, image in local.given_images : role =>
    regexall("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/([^@:]+)", coalesce(image, "-"))
  }
  repositories = {
    for role, found in local.in_ecr : role => [for part in found : "arn:${local.partition}:ecr:${part[1]}:${part[0]}:repository/${part[2]}"]
  }

  # Roles whose image lies in the private registry that a login was given for.
  by_login = toset([
    for role, image in local.given_images : role
    if var.registry_server != null && startswith(coalesce(image, "-"), "${coalesce(var.registry_server, "-")}/")
  ])
}
