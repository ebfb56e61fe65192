# The canonical inputs, in the same order and words on every cloud (ops/contract/contract.yaml, inputs).
# Each validation says in one sentence what is wrong and what to do.

# What it is called and where it is

variable "project_name" {
  description = "Short name; part of every resource's name"
  type        = string
  default     = "app"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.project_name))
    error_message = "project_name must be 2 to 20 lower-case letters, digits or dashes and begin with a letter: it is part of every resource's name."
  }
}

variable "environment" {
  description = "The profile the installation runs under"
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = contains(["development", "staging", "production"], var.environment)
    error_message = "environment must be development, staging or production: it decides availability, protection and backups."
  }
}

variable "region" {
  description = "Region of every resource"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region of this cloud, such as europe-west3."
  }
}

variable "project_id" {
  description = "Google Cloud project that everything is made in"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be the id of a project, such as acme-shop-prod, not its name or number."
  }
}

# Images

variable "api_image" {
  description = "Image of the api role"
  type        = string
  default     = null

  validation {
    condition     = var.api_image != null || !contains(local.roles, "api")
    error_message = "api_image must be set: the contract has the role api."
  }

  validation {
    condition     = var.api_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.api_image))
    error_message = "api_image must name a digest, such as ghcr.io/acme/api@sha256:…: a tag can move, and then a rollback would not bring back what ran."
  }
}

variable "web_image" {
  description = "Image of the web role"
  type        = string
  default     = null

  validation {
    condition     = var.web_image != null || !contains(local.roles, "web")
    error_message = "web_image must be set: the contract has the role web."
  }

  validation {
    condition     = var.web_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.web_image))
    error_message = "web_image must name a digest, such as ghcr.io/acme/web@sha256:…: a tag can move, and then a rollback would not bring back what ran."
  }
}

variable "worker_image" {
  description = "Image of the worker and migrate roles; api_image if unset"
  type        = string
  default     = null

  validation {
    condition     = var.worker_image != null || var.api_image != null || length(setintersection(local.roles, ["worker", "migrate"])) == 0
    error_message = "worker_image must be set: the contract has ${join(" and ", [for role in ["worker", "migrate"] : role if contains(local.roles, role)])}, and there is no api_image to fall back to."
  }

  validation {
    condition     = var.worker_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.worker_image))
    error_message = "worker_image must name a digest, such as ghcr.io/acme/worker@sha256:…: a tag can move, and then a rollback would not bring back what ran."
  }
}

variable "manage_image" {
  description = "Deploy the images named here; false keeps those that run"
  type        = bool
  default     = true
  nullable    = false
}

variable "registry_server" {
  description = "Host of a private registry such as ghcr.io; no login if unset"
  type        = string
  default     = null

  validation {
    condition     = var.registry_server == null || (var.registry_username != null && var.registry_password != null)
    error_message = "registry_server needs registry_username and registry_password: a read-only token of that registry. Export the token as TF_VAR_registry_password: no file should hold it."
  }
}

variable "registry_username" {
  description = "User of the private registry"
  type        = string
  default     = null
}

variable "registry_password" {
  description = "Read-only token of the private registry"
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

# Addresses

variable "api_base_url" {
  description = "Where web's server reaches the api; composed if unset"
  type        = string
  default     = null

  validation {
    condition     = var.api_base_url == null || can(regex("^https?://[^/?#]+", var.api_base_url))
    error_message = "api_base_url must begin with https:// or http://; leave it out and this stack composes it."
  }
}

variable "app_public_url" {
  description = "Where browsers reach the application"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[^/?#]+", var.app_public_url)) || (var.environment == "development" && can(regex("^https?://[^/?#]+", var.app_public_url)))
    error_message = "app_public_url must begin with https:// (http:// in development alone): it is where browsers reach the application."
  }
}

variable "app_domain" {
  description = "Host name of the web role"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.app_domain))
    error_message = "app_domain must be a host name such as app.example.com, without scheme or path."
  }
}

variable "api_domain" {
  description = "Host name of the api role; no public api if unset"
  type        = string
  default     = null

  validation {
    condition     = var.api_domain == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.api_domain))
    error_message = "api_domain must be a host name such as api.example.com; leave it out and the api is not public."
  }

  validation {
    condition     = var.api_domain != var.app_domain
    error_message = "api_domain must differ from app_domain: the edge tells the two roles apart by host name."
  }
}

variable "dns_zone" {
  description = "DNS zone here that gets the names' records; you make them yourself if unset"
  type        = string
  default     = null

  validation {
    condition     = var.dns_zone == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.dns_zone))
    error_message = "dns_zone must be the name of a managed zone of this project, such as example-com, not the domain that it holds."
  }
}

variable "trusted_proxies" {
  description = "Address ranges whose forwarding headers are believed"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.trusted_proxies : can(cidrnetmask(range)) || can(cidrhost(range, 0))])
    error_message = "trusted_proxies must be address ranges such as 203.0.113.0/24."
  }

  validation {
    condition     = length(var.trusted_proxies) == 0
    error_message = "trusted_proxies has no effect here: Google's load balancer passes forwarding headers on as they come. Leave it out."
  }
}

variable "network_cidr" {
  description = "Address range of the network"
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.network_cidr)) && try(tonumber(split("/", var.network_cidr)[1]) <= 20, false)
    error_message = "network_cidr must be an IPv4 range of /20 or larger, such as 10.20.0.0/16: smaller ones have no room for every subnet."
  }
}

# Values and secrets of the roles

variable "secrets_provider" {
  description = "Where the application reads its own keys"
  type        = string
  default     = "gcp_sm"
  nullable    = false

  validation {
    condition     = contains(local.contract.variables.SECRETS_PROVIDER.allowed, var.secrets_provider)
    error_message = "secrets_provider must be one of ${join(", ", local.contract.variables.SECRETS_PROVIDER.allowed)}: others cannot be used on this target."
  }
}

variable "auth_key_storage_provider" {
  description = "Where signing keys lie; secrets_provider if unset"
  type        = string
  default     = null

  validation {
    condition     = var.auth_key_storage_provider == null || contains(local.contract.variables.AUTH_KEY_STORAGE_PROVIDER.allowed, coalesce(var.auth_key_storage_provider, "-"))
    error_message = "auth_key_storage_provider must be one of ${join(", ", local.contract.variables.AUTH_KEY_STORAGE_PROVIDER.allowed)}, or be left out."
  }
}

variable "auth_key_secret_name" {
  description = "Name of the signing keys' secret"
  type        = string
  default     = "auth-signing-keys"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.auth_key_secret_name))
    error_message = "auth_key_secret_name must be letters, digits, dashes and underscores: Secret Manager takes nothing else."
  }
}

variable "secret_values" {
  description = "Variable to value for the secrets that this stack makes"
  type        = map(string)
  ephemeral   = true
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(setsubtract(local.given_secrets, keys(var.secret_values))) == 0
    error_message = "secret_values must hold a value for each of: ${join(", ", local.given_secrets)}. Give a secret that exists already as a reference in api_secrets and worker_secrets instead."
  }

  validation {
    condition     = length(setsubtract(keys(var.secret_values), local.given_secrets)) == 0
    error_message = "secret_values may hold only the secrets that this stack makes: ${join(", ", local.given_secrets)}. Correct or remove the others. An optional secret is made once secret_names names it; one that is given as a reference is not made."
  }

  validation {
    condition     = alltrue([for name, value in var.secret_values : length(value) >= 16])
    error_message = "Every one of secret_values must have at least 16 characters. `invoke contract.new-env` makes them."
  }
}

variable "secret_names" {
  description = "Optional secrets that this stack makes besides the required ones"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.secret_names, flatten(values(local.referable)))) == 0
    error_message = "secret_names may name only secrets that the contract leaves to you: ${join(", ", distinct(flatten(values(local.referable))))}."
  }
}

variable "secrets_version" {
  description = "Raise it to write every secret anew"
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version must be a whole number from 1; raise it by one to write every secret anew."
  }
}

variable "api_env" {
  description = "Non-secret values of the api role"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.api_env), "DATABASE_URL") && !contains(keys(var.api_env), "REDIS_URL")
    error_message = "api_env must not hold DATABASE_URL or REDIS_URL: this stack composes them and keeps them in the secret manager. Remove them."
  }

  validation {
    condition     = length(setsubtract(keys(var.api_env), local.settable.api)) == 0
    error_message = "api_env may hold only what the contract leaves to you for api: ${join(", ", local.settable.api)}. It also holds: ${join(", ", setsubtract(keys(var.api_env), local.settable.api))}. Correct the names; secrets belong in secret_values."
  }
}

variable "web_env" {
  description = "Non-secret values of the web role"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.web_env), "DATABASE_URL") && !contains(keys(var.web_env), "REDIS_URL")
    error_message = "web_env must not hold DATABASE_URL or REDIS_URL: this stack composes them and keeps them in the secret manager. Remove them."
  }

  validation {
    condition     = length(setsubtract(keys(var.web_env), local.settable.web)) == 0
    error_message = "web_env may hold only what the contract leaves to you for web: ${join(", ", local.settable.web)}. It also holds: ${join(", ", setsubtract(keys(var.web_env), local.settable.web))}. Correct the names; secrets belong in secret_values."
  }
}

variable "worker_env" {
  description = "Non-secret values of the worker and migrate roles"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.worker_env), "DATABASE_URL") && !contains(keys(var.worker_env), "REDIS_URL")
    error_message = "worker_env must not hold DATABASE_URL or REDIS_URL: this stack composes them and keeps them in the secret manager. Remove them."
  }

  validation {
    condition     = length(setsubtract(keys(var.worker_env), local.settable.worker)) == 0
    error_message = "worker_env may hold only what the contract leaves to you for worker: ${join(", ", local.settable.worker)}. It also holds: ${join(", ", setsubtract(keys(var.worker_env), local.settable.worker))}. Correct the names; secrets belong in secret_values."
  }
}

variable "api_secrets" {
  description = "Variable to secret reference for api"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.api_secrets), local.referable.api)) == 0
    error_message = "api_secrets may hold only secrets that the contract leaves to you for api: ${join(", ", local.referable.api)}. It also holds: ${join(", ", setsubtract(keys(var.api_secrets), local.referable.api))}. Remove them."
  }

  validation {
    condition     = alltrue([for reference in values(var.api_secrets) : can(regex("^projects/[a-z0-9-]+/secrets/[A-Za-z0-9_-]{1,255}/versions/[1-9][0-9]*$", reference))])
    error_message = "api_secrets must hold references such as projects/acme/secrets/vault-token/versions/3, with the number of a version: what latest means changes, and then a rollback would not bring back what ran."
  }
}

variable "web_secrets" {
  description = "Variable to secret reference for web"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.web_secrets), local.referable.web)) == 0
    error_message = "web_secrets may hold only secrets that the contract leaves to you for web: ${join(", ", local.referable.web)}. It also holds: ${join(", ", setsubtract(keys(var.web_secrets), local.referable.web))}. Remove them."
  }

  validation {
    condition     = alltrue([for reference in values(var.web_secrets) : can(regex("^projects/[a-z0-9-]+/secrets/[A-Za-z0-9_-]{1,255}/versions/[1-9][0-9]*$", reference))])
    error_message = "web_secrets must hold references such as projects/acme/secrets/vault-token/versions/3, with the number of a version: what latest means changes, and then a rollback would not bring back what ran."
  }
}

variable "worker_secrets" {
  description = "Variable to secret reference for worker and migrate"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.worker_secrets), local.referable.worker)) == 0
    error_message = "worker_secrets may hold only secrets that the contract leaves to you for worker: ${join(", ", local.referable.worker)}. It also holds: ${join(", ", setsubtract(keys(var.worker_secrets), local.referable.worker))}. Remove them."
  }

  validation {
    condition     = alltrue([for reference in values(var.worker_secrets) : can(regex("^projects/[a-z0-9-]+/secrets/[A-Za-z0-9_-]{1,255}/versions/[1-9][0-9]*$", reference))])
    error_message = "worker_secrets must hold references such as projects/acme/secrets/vault-token/versions/3, with the number of a version: what latest means changes, and then a rollback would not bring back what ran."
  }
}

# Object storage

variable "storage_provider" {
  description = "Kind of object storage"
  type        = string
  default     = "gcs"
  nullable    = false

  validation {
    condition     = contains(local.contract.variables.STORAGE_PROVIDER.allowed, var.storage_provider)
    error_message = "storage_provider must be one of ${join(", ", local.contract.variables.STORAGE_PROVIDER.allowed)}: others cannot be used on this target."
  }
}

variable "storage_bucket_name" {
  description = "Name of the bucket or container"
  type        = string
  default     = null

  validation {
    condition     = var.storage_bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.storage_bucket_name))
    error_message = "storage_bucket_name must be 3 to 63 lower-case letters, digits and dashes; leave it out and it is named after the project."
  }
}

# Sizes of the roles

variable "api_cpu" {
  description = "CPUs of one api instance"
  type        = number
  default     = 1
  nullable    = false
}

variable "api_memory_mib" {
  description = "Memory of one api instance in MiB"
  type        = number
  default     = 512
  nullable    = false
}

variable "api_min_instances" {
  description = "Fewest api instances; by profile if unset"
  type        = number
  default     = null

  validation {
    condition     = var.api_min_instances == null || try(var.api_min_instances >= 1, false)
    error_message = "api_min_instances must be at least 1: a role without an instance does no work."
  }
}

variable "api_max_instances" {
  description = "Most api instances"
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.api_max_instances >= 1
    error_message = "api_max_instances must be at least 1, and not below api_min_instances."
  }
}

variable "web_cpu" {
  description = "CPUs of one web instance"
  type        = number
  default     = 1
  nullable    = false
}

variable "web_memory_mib" {
  description = "Memory of one web instance in MiB"
  type        = number
  default     = 512
  nullable    = false
}

variable "web_min_instances" {
  description = "Fewest web instances; by profile if unset"
  type        = number
  default     = null

  validation {
    condition     = var.web_min_instances == null || try(var.web_min_instances >= 1, false)
    error_message = "web_min_instances must be at least 1: a role without an instance does no work."
  }
}

variable "web_max_instances" {
  description = "Most web instances"
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.web_max_instances >= 1
    error_message = "web_max_instances must be at least 1, and not below web_min_instances."
  }
}

variable "worker_cpu" {
  description = "CPUs of one worker instance"
  type        = number
  default     = 1
  nullable    = false
}

variable "worker_memory_mib" {
  description = "Memory of one worker instance in MiB"
  type        = number
  default     = 512
  nullable    = false
}

variable "worker_min_instances" {
  description = "Fewest worker instances"
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.worker_min_instances >= 1
    error_message = "worker_min_instances must be at least 1: a worker without an instance does no work."
  }
}

variable "worker_max_instances" {
  description = "Most worker instances"
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.worker_max_instances >= 1
    error_message = "worker_max_instances must be at least 1, and not below worker_min_instances."
  }
}

# Postgres and Redis

variable "db_name" {
  description = "Name of the database"
  type        = string
  default     = "app"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.db_name))
    error_message = "db_name must be lower-case letters, digits and underscores and begin with a letter."
  }
}

variable "db_admin_username" {
  description = "Owner of the database"
  type        = string
  default     = "app"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.db_admin_username)) && !contains(["admin", "administrator", "azure_superuser", "cloudsqladmin", "postgres", "public", "rdsadmin", "root"], var.db_admin_username)
    error_message = "db_admin_username must be up to 16 lower-case letters, digits and underscores, and no name that a cloud reserves (admin, postgres, root …)."
  }
}

variable "db_admin_password" {
  description = "Password of the database's owner"
  type        = string
  ephemeral   = true
  sensitive   = true
  nullable    = false

  validation {
    condition     = length(var.db_admin_password) >= 20 && length(var.db_admin_password) <= 128 && !can(regex("[/@\" ]", var.db_admin_password))
    error_message = "db_admin_password must have 20 to 128 characters and none of / @ \" or space, which one of the clouds refuses. `invoke contract.new-env` makes one."
  }

  validation {
    condition     = alltrue([for kind in ["[A-Z]", "[a-z]", "[0-9]"] : can(regex(kind, var.db_admin_password))])
    error_message = "db_admin_password must have an upper-case letter, a lower-case letter and a digit, which one of the clouds demands. `invoke contract.new-env` makes one."
  }
}

variable "db_size" {
  description = "Size of the database in one word"
  type        = string
  default     = "small"
  nullable    = false

  validation {
    condition     = contains(["small", "medium", "large"], var.db_size)
    error_message = "db_size must be small, medium or large; db_instance_type names any other size."
  }
}

variable "db_instance_type" {
  description = "This cloud's own name of a database size; overrides db_size"
  type        = string
  default     = null

  validation {
    condition     = var.db_instance_type == null || can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.db_instance_type))
    error_message = "db_instance_type must be db-custom-CPUS-MIB, such as db-custom-2-7680, db-g1-small or db-f1-micro: the instance is of the edition Enterprise, which has no other."
  }
}

variable "db_storage_gib" {
  description = "Disk that the database begins with; it grows by itself"
  type        = number
  default     = 32
  nullable    = false

  validation {
    condition     = var.db_storage_gib >= 20
    error_message = "db_storage_gib must be at least 20."
  }
}

variable "db_high_availability" {
  description = "A standby in another zone; by profile if unset"
  type        = bool
  default     = null
}

variable "db_backup_retention_days" {
  description = "Days that database backups are kept"
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.db_backup_retention_days >= 7 && var.db_backup_retention_days <= 35
    error_message = "db_backup_retention_days must be 7 to 35: what all three clouds offer for point-in-time recovery."
  }
}

variable "redis_size" {
  description = "Size of Redis in one word"
  type        = string
  default     = "small"
  nullable    = false

  validation {
    condition     = contains(["small", "medium", "large"], var.redis_size)
    error_message = "redis_size must be small, medium or large; redis_instance_type names any other size."
  }
}

variable "redis_instance_type" {
  description = "This cloud's own name of a Redis size; overrides redis_size"
  type        = string
  default     = null

  validation {
    condition     = var.redis_instance_type == null || can(regex("^([1-9]|[1-9][0-9]|[12][0-9]{2}|300)$", var.redis_instance_type))
    error_message = "redis_instance_type must be a number of GiB from 1 to 300: Memorystore knows no other sizes."
  }
}

variable "redis_high_availability" {
  description = "A Redis replica in another zone; by profile if unset"
  type        = bool
  default     = null
}

# Protection, logs and CI

variable "deletion_protection" {
  description = "Refuse to destroy what holds data; by profile if unset"
  type        = bool
  default     = null
}

variable "log_retention_days" {
  description = "Days that logs are kept"
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of 30, 60, 90, 120, 180, 365, 400, 545, 731: what every cloud takes."
  }
}

variable "github_repository" {
  description = "Owner and name of the repository whose Actions may deploy; none if unset"
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository must be owner/name, such as acme/shop; leave it out and no workflow gets access."
  }
}

variable "github_environment" {
  description = "GitHub environment that may deploy"
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = can(regex("^[^'\"\\\\]+$", var.github_environment))
    error_message = "github_environment must be the name of a GitHub environment, without quotes: it is compared with what a workflow's token says."
  }
}
