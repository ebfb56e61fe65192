# What each role is given and may do, once everything exists. Terraform keeps write-only values out
# of everything, so what is written into secrets is checked elsewhere (nox -s validate_gcp).

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "111122223333" }
  }

  mock_resource "google_sql_database_instance" {
    defaults = {
      private_ip_address = "10.20.64.2"
      server_ca_cert     = [{ cert = "database-authority" }]
    }
  }

  mock_resource "google_redis_instance" {
    defaults = {
      host            = "10.20.64.11"
      port            = 6378
      auth_string     = "made-by-memorystore"
      server_ca_certs = [{ cert = "redis-authority" }, { cert = "next-redis-authority" }]
    }
  }

  mock_resource "google_secret_manager_secret_version" {
    defaults = { version = "7" }
  }
}

variables {
  project_name      = "shop"
  environment       = "production"
  region            = "europe-west3"
  project_id        = "acme-shop-prod"
  api_image         = "ghcr.io/acme/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  web_image         = "ghcr.io/acme/web@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  worker_image      = "public.example.com/worker@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  registry_server   = "ghcr.io"
  registry_username = "acme-reader"
  registry_password = "test-registry-token"
  app_public_url    = "https://app.example.com/start"
  app_domain        = "app.example.com"
  api_domain        = "api.example.com"
  github_repository = "acme/shop"
  db_admin_password = "Test-only-password-0123456789"
  secret_values = {
    SECRET_KEY                  = "test-only-secret-key-0123456789abcdef"
    AUTH_SESSION_ENCRYPTION_KEY = "test-only-session-key-0123456789abcdef"
  }
  api_secrets    = { AUTH_PASSWORD_PEPPER = "projects/acme-shop-prod/secrets/pepper/versions/3" }
  worker_secrets = { AUTH_PASSWORD_PEPPER = "projects/acme-vault/secrets/pepper/versions/4" }
}

run "everything" {
  command = apply

  assert {
    condition     = { for e in google_cloud_run_v2_service.role["api"].template[0].containers[0].env : e.name => e.value if e.value != null && e.value != "" } == local.env["api"]
    error_message = "The api must get local.env.api, and nothing else in plain text."
  }

  assert {
    condition     = local.env["api"].DATABASE_CA_CERT == "database-authority" && local.env["api"].REDIS_CA_CERT == "redis-authority\nnext-redis-authority"
    error_message = "Both authorities must reach the api, the next one of Redis too."
  }

  assert {
    condition     = local.env["web"].API_BASE_URL == "https://shop-prod-api-111122223333.europe-west3.run.app" && strcontains(local.env["api"].ALLOWED_HOSTS, "shop-prod-api-111122223333.europe-west3.run.app")
    error_message = "The host that web calls must be one that the api answers."
  }

  assert {
    condition     = local.env["api"].ALLOWED_ORIGINS == "https://app.example.com"
    error_message = "An origin has no path."
  }

  assert {
    condition     = !contains(flatten(values(output.env_names)), "PORT")
    error_message = "Cloud Run refuses a deployment that sets PORT."
  }

  assert {
    condition     = alltrue([for e in google_cloud_run_v2_service.role["web"].template[0].containers[0].env : length(e.value_source) == 0])
    error_message = "Web has no secrets."
  }

  assert {
    condition = {
      for e in google_cloud_run_v2_worker_pool.role["worker"].template[0].containers[0].env :
      e.name => "${e.value_source[0].secret_key_ref[0].secret}:${e.value_source[0].secret_key_ref[0].version}"
      if length(e.value_source) > 0
      } == {
      AUTH_PASSWORD_PEPPER        = "projects/acme-vault/secrets/pepper:4"
      AUTH_SESSION_ENCRYPTION_KEY = "shop-prod-AUTH_SESSION_ENCRYPTION_KEY:7"
      DATABASE_URL                = "shop-prod-DATABASE_URL:7"
      REDIS_URL                   = "shop-prod-REDIS_URL:7"
      SECRET_KEY                  = "shop-prod-SECRET_KEY:7"
    }
    error_message = "Secrets must be referred to by the number of a version, others' by their project, too."
  }

  assert {
    condition     = [for e in google_cloud_run_v2_job.role["migrate"].template[0].template[0].containers[0].env : e.name if length(e.value_source) > 0] == ["DATABASE_URL"]
    error_message = "Of all secrets the job gets DATABASE_URL alone."
  }

  assert {
    condition     = length(distinct(values(output.identities))) == 4
    error_message = "Every role must run as an identity of its own."
  }

  assert {
    condition = (
      google_cloud_run_v2_service.role["web"].template[0].service_account == google_service_account.role["web"].email
      && google_cloud_run_v2_worker_pool.role["worker"].template[0].service_account == google_service_account.role["worker"].email
      && google_cloud_run_v2_job.role["migrate"].template[0].template[0].service_account == google_service_account.role["migrate"].email
    )
    error_message = "Every role must run as its own identity."
  }

  assert {
    condition     = google_cloud_run_v2_service.role["api"].template[0].containers[0].image == "europe-west3-docker.pkg.dev/acme-shop-prod/shop-prod-upstream/acme/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    error_message = "An image of the private registry must be pulled through the remote repository, by the same digest."
  }

  assert {
    condition     = google_cloud_run_v2_worker_pool.role["worker"].template[0].containers[0].image == var.worker_image
    error_message = "An image of another registry must be pulled from there."
  }

  # Grants

  assert {
    condition = keys(google_secret_manager_secret_iam_member.made) == [
      "api/AUTH_SESSION_ENCRYPTION_KEY", "api/DATABASE_URL", "api/REDIS_URL", "api/SECRET_KEY",
      "migrate/DATABASE_URL",
      "worker/AUTH_SESSION_ENCRYPTION_KEY", "worker/DATABASE_URL", "worker/REDIS_URL", "worker/SECRET_KEY",
    ]
    error_message = "Every made secret must be granted to the roles that have it, and to no other."
  }

  assert {
    condition     = { for key, grant in google_secret_manager_secret_iam_member.given : key => grant.secret_id } == { "api/AUTH_PASSWORD_PEPPER" = "projects/acme-shop-prod/secrets/pepper", "worker/AUTH_PASSWORD_PEPPER" = "projects/acme-vault/secrets/pepper" }
    error_message = "The operator's own secrets must be granted where they are referred to."
  }

  assert {
    condition     = keys(google_storage_bucket_iam_member.storage) == ["api", "worker"] && keys(google_service_account_iam_member.signs_as_itself) == ["api", "worker"]
    error_message = "Api and worker alone use the bucket and sign its URLs."
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository == 'acme/shop' && assertion.environment == 'production'"
    error_message = "CI must be trusted by repository and environment."
  }

  # Health

  assert {
    condition = alltrue([
      for role, service in google_cloud_run_v2_service.role :
      service.template[0].containers[0].liveness_probe[0].http_get[0].path == local.contract.roles[role].health.live
      && service.template[0].containers[0].startup_probe[0].http_get[0].path == local.contract.roles[role].health.live
      && service.template[0].containers[0].readiness_probe[0].http_get[0].path == local.contract.roles[role].health.ready
    ])
    error_message = "What kills must look at the live path, what gates at the ready path."
  }

  assert {
    condition = alltrue([
      for role, service in google_cloud_run_v2_service.role :
      service.template[0].containers[0].startup_probe[0].failure_threshold * service.template[0].containers[0].startup_probe[0].period_seconds >= local.contract.roles[role].start_seconds
    ])
    error_message = "A role must get the time that the contract gives it to start."
  }

  assert {
    condition     = google_cloud_run_v2_job.role["migrate"].template[0].template[0].max_retries == 0 && google_cloud_run_v2_job.role["migrate"].template[0].template[0].timeout == "600s"
    error_message = "A migration runs once, for as long as the contract allows."
  }
}

run "ci_deploys" {
  command = plan

  variables {
    manage_image = false
  }

  override_data {
    target = data.google_cloud_run_v2_service.running
    values = { template = [{ containers = [{ image = "example.com/service-by-ci" }] }] }
  }

  override_data {
    target = data.google_cloud_run_v2_worker_pool.running
    values = { template = [{ containers = [{ image = "example.com/worker-by-ci" }] }] }
  }

  override_data {
    target = data.google_cloud_run_v2_job.running
    values = { template = [{ template = [{ containers = [{ image = "example.com/job-by-ci" }] }] }] }
  }

  assert {
    condition = (
      google_cloud_run_v2_service.role["api"].template[0].containers[0].image == "example.com/service-by-ci"
      && google_cloud_run_v2_worker_pool.role["worker"].template[0].containers[0].image == "example.com/worker-by-ci"
      && google_cloud_run_v2_job.role["migrate"].template[0].template[0].containers[0].image == "example.com/job-by-ci"
    )
    error_message = "What CI deployed must stay."
  }
}

run "api_is_private" {
  command = plan

  variables {
    api_domain = null
  }

  assert {
    condition     = google_cloud_run_v2_service.role["api"].ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && keys(google_compute_backend_service.role) == ["web"]
    error_message = "Without api_domain nobody outside reaches the api."
  }
}

run "stores_elsewhere" {
  command = plan

  variables {
    secrets_provider    = "vault_hcp"
    storage_provider    = "s3"
    storage_bucket_name = "elsewhere"
    api_env             = { VAULT_ADDR = "https://vault.example.com", VAULT_TRANSIT_KEY = "app", S3_REGION = "eu" }
    worker_env          = { VAULT_ADDR = "https://vault.example.com", VAULT_TRANSIT_KEY = "app", S3_REGION = "eu" }
    api_secrets = {
      AUTH_PASSWORD_PEPPER = "projects/acme-shop-prod/secrets/pepper/versions/3"
      VAULT_TOKEN          = "projects/acme-shop-prod/secrets/vault-token/versions/1"
    }
    worker_secrets = {
      AUTH_PASSWORD_PEPPER = "projects/acme-shop-prod/secrets/pepper/versions/3"
      VAULT_TOKEN          = "projects/acme-shop-prod/secrets/vault-token/versions/1"
    }
  }

  assert {
    condition     = length(google_storage_bucket.storage) + length(google_secret_manager_secret.signing_keys) + length(google_secret_manager_secret.signing_secret) + length(google_service_account_iam_member.signs_as_itself) == 0
    error_message = "Nothing is made here for what is kept elsewhere."
  }
}
