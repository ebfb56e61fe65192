# Profiles change availability, protection and backups; inputs win over them.

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

run "production" {
  command = plan

  assert {
    condition     = aws_db_instance.main.multi_az && aws_db_instance.main.deletion_protection && !aws_db_instance.main.skip_final_snapshot && !aws_db_instance.main.apply_immediately
    error_message = "the database of a production is not protected"
  }

  assert {
    condition     = aws_elasticache_replication_group.main.num_cache_clusters == 2 && aws_elasticache_replication_group.main.automatic_failover_enabled
    error_message = "Redis of a production stands alone"
  }

  assert {
    condition     = length(aws_nat_gateway.main) == 2 && aws_lb.main[0].enable_deletion_protection && aws_secretsmanager_secret.signing[0].recovery_window_in_days == 30
    error_message = "a zone's failure, or one plan, takes a production away"
  }

  assert {
    condition     = alltrue([for target in aws_appautoscaling_target.service : target.min_capacity == 2 && target.max_capacity == 4])
    error_message = "a service of a production has a single task"
  }
}

run "development" {
  command = plan

  variables {
    environment   = "development"
    secret_values = {}
  }

  assert {
    condition     = !aws_db_instance.main.multi_az && !aws_db_instance.main.deletion_protection && length(aws_nat_gateway.main) == 1 && aws_elasticache_replication_group.main.num_cache_clusters == 1
    error_message = "a development pays for what a production needs"
  }

  assert {
    condition     = aws_db_instance.main.storage_encrypted && aws_db_instance.main.backup_retention_period == 7 && aws_lb.main[0].drop_invalid_header_fields
    error_message = "a development is less secure, and not only less available"
  }
}

run "inputs_win" {
  command = plan

  variables {
    db_high_availability    = false
    redis_high_availability = false
    deletion_protection     = false
    api_min_instances       = 1
    db_instance_type        = "db.r7g.xlarge"
  }

  assert {
    condition     = !aws_db_instance.main.multi_az && !aws_db_instance.main.deletion_protection && aws_elasticache_replication_group.main.num_cache_clusters == 1
    error_message = "the profile wins over what was said"
  }

  assert {
    condition     = aws_appautoscaling_target.service["api"].min_capacity == 1 && aws_db_instance.main.instance_class == "db.r7g.xlarge" && local.database_memory == 32
    error_message = "a size that was said is not taken"
  }
}
