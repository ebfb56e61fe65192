# Inputs that cannot work are refused before anything is made.

mock_provider "google" {}

variables {
  project_name      = "shop"
  environment       = "production"
  region            = "europe-west3"
  project_id        = "acme-shop"
  api_image         = "public.example.com/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  web_image         = "public.example.com/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  app_public_url    = "https://app.example.com"
  app_domain        = "app.example.com"
  db_admin_password = "Test-only-password-0123456789"
  secret_values = {
    SECRET_KEY                  = "test-only-secret-key-0123456789abcdef"
    AUTH_SESSION_ENCRYPTION_KEY = "test-only-session-key-0123456789abcdef"
    AUTH_PASSWORD_PEPPER        = "test-only-pepper-0123456789abcdef0"
  }
}

# Validations: one run finds them all.
run "refused" {
  command = plan

  variables {
    project_id           = "Acme Shop"
    trusted_proxies      = ["203.0.113.0/24"]
    api_env              = { DATABASE_URL = "postgresql://elsewhere" }
    worker_env           = { LOG_LEVLE = "info" }
    api_secrets          = { SECRET_KEY = "projects/acme-shop/secrets/secret-key/versions/latest" }
    auth_key_secret_name = "keys/of/api"
    db_instance_type     = "db-perf-optimized-N-2"
    redis_instance_type  = "M1"
    dns_zone             = "example.com"
    api_image            = "public.example.com/api:latest"
  }

  expect_failures = [
    var.project_id,
    var.trusted_proxies,
    var.api_env,
    var.worker_env,
    var.api_secrets,
    var.auth_key_secret_name,
    var.db_instance_type,
    var.redis_instance_type,
    var.dns_zone,
    var.api_image,
  ]
}

# Preconditions: what each says is tested in tests/blueprints/test_gcp_inputs.py.
run "workers_do_not_scale" {
  command = plan

  variables {
    worker_max_instances = 3
  }

  expect_failures = [output.env_names]
}

run "variable_missing" {
  command = plan

  variables {
    secrets_provider = "vault_hcp"
    secret_values = {
      SECRET_KEY                  = "test-only-secret-key-0123456789abcdef"
      AUTH_SESSION_ENCRYPTION_KEY = "test-only-session-key-0123456789abcdef"
      AUTH_PASSWORD_PEPPER        = "test-only-pepper-0123456789abcdef0"
      VAULT_TOKEN                 = "test-only-token-0123"
    }
  }

  expect_failures = [output.env_names]
}
