# Inputs that cannot work are refused before anything is made.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  project_name   = "shop"
  region         = "eu-central-1"
  api_image      = "ghcr.io/acme/api@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  web_image      = "ghcr.io/acme/web@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  app_public_url = "https://app.example.com"
  app_domain     = "app.example.com"
  secret_values = {
    SECRET_KEY                  = "a-value-that-nobody-uses-anywhere"
    AUTH_SESSION_ENCRYPTION_KEY = "a-value-that-nobody-uses-anywhere"
    AUTH_PASSWORD_PEPPER        = "a-value-that-nobody-uses-anywhere"
  }
  db_admin_password = "A-password-that-nobody-uses-0"
  redis_auth_token  = "a-token-that-nobody-uses-anywhere"
}

# Validations: one run finds them all.
run "refused" {
  command = plan

  variables {
    project_name        = "shop--two"
    region              = "Frankfurt"
    api_image           = "ghcr.io/acme/api:latest"
    dns_zone            = "example.org"
    trusted_proxies     = ["everybody"]
    api_env             = { DATABASE_URL = "postgresql://elsewhere" }
    worker_env          = { LOG_LEVLE = "info" }
    api_secrets         = { SECRET_KEY = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:theirs:key" }
    worker_secrets      = { SECRET_KEY = "theirs" }
    db_name             = "postgres"
    db_admin_username   = "rds_owner"
    db_admin_password   = "with space and/slash-0"
    db_instance_type    = "m7g.large"
    redis_instance_type = "m7g.large"
    redis_auth_token    = "short"
    log_retention_days  = 31
  }

  expect_failures = [
    var.project_name,
    var.region,
    var.api_image,
    var.dns_zone,
    var.trusted_proxies,
    var.api_env,
    var.worker_env,
    var.api_secrets,
    var.worker_secrets,
    var.db_name,
    var.db_admin_username,
    var.db_admin_password,
    var.db_instance_type,
    var.redis_instance_type,
    var.redis_auth_token,
    var.log_retention_days,
  ]
}

# Preconditions: what each says is tested in tests/blueprints/test_aws_inputs.py.
run "cannot_work" {
  command = plan

  variables {
    region           = "mx-central-1"
    api_cpu          = 1
    api_memory_mib   = 1024
    registry_server  = "registry.example.com"
    db_instance_type = "db.t4g.micro"
    # Not in Terraform's files, and a text of no use.
    registry_username = "acme"
    registry_password = "a-token-that-nobody-uses-anywhere"
  }

  expect_failures = [output.database_ca_cert, output.env_names]
}
