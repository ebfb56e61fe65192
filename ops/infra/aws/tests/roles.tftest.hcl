# What each role gets and may do, what kills it, and who reaches it. Nothing is made: AWS is mocked.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  project_name   = "shop"
  region         = "eu-central-1"
  api_image      = "ghcr.io/acme/api@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  web_image      = "ghcr.io/acme/web@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  app_public_url = "https://app.example.com/start"
  app_domain     = "app.example.com"
  secret_values = {
    SECRET_KEY                  = "a-value-that-nobody-uses-anywhere"
    AUTH_SESSION_ENCRYPTION_KEY = "a-value-that-nobody-uses-anywhere"
    AUTH_PASSWORD_PEPPER        = "a-value-that-nobody-uses-anywhere"
  }
  db_admin_password = "A+password:that?nobody#uses-0"
  redis_auth_token  = "a-token-that-nobody-uses-anywhere"
  registry_server   = "ghcr.io"
  registry_username = "acme"
  registry_password = "a-token-that-nobody-uses-anywhere"
}

run "a_public_api" {
  command = plan

  variables {
    api_domain = "api.example.com"
    dns_zone   = "example.com"
  }

  assert {
    condition     = toset(keys(aws_lb_listener_rule.role)) == toset(["api", "web"]) && length(aws_ecs_service.api["api"].load_balancer) == 1
    error_message = "the api is not reached from outside"
  }

  assert {
    condition     = local.env.api.ALLOWED_HOSTS == "api.example.com,api" && output.api_url == "https://api.example.com"
    error_message = "the api does not answer to its names"
  }

  assert {
    condition     = toset(keys(aws_route53_record.host)) == toset(["api.example.com", "app.example.com"])
    error_message = "a name has no record"
  }
}

# Stores and names elsewhere: the first apply makes neither, nor waits for them.
run "elsewhere" {
  command = plan

  variables {
    secrets_provider    = "vault_hcp"
    storage_provider    = "minio"
    storage_bucket_name = "given-bucket"
    secret_names        = ["MINIO_SECRET_KEY", "VAULT_TOKEN"]
    api_env = {
      MINIO_ACCESS_KEY  = "given"
      MINIO_ENDPOINT    = "minio.example.com"
      VAULT_ADDR        = "https://vault.example.com"
      VAULT_TRANSIT_KEY = "given"
    }
    worker_env = {
      MINIO_ACCESS_KEY  = "given"
      MINIO_ENDPOINT    = "minio.example.com"
      VAULT_ADDR        = "https://vault.example.com"
      VAULT_TRANSIT_KEY = "given"
    }
    secret_values = {
      SECRET_KEY                  = "a-value-that-nobody-uses-anywhere"
      AUTH_SESSION_ENCRYPTION_KEY = "a-value-that-nobody-uses-anywhere"
      AUTH_PASSWORD_PEPPER        = "a-value-that-nobody-uses-anywhere"
      MINIO_SECRET_KEY            = "a-value-that-nobody-uses-anywhere"
      VAULT_TOKEN                 = "a-value-that-nobody-uses-anywhere"
    }
  }

  assert {
    condition     = length(aws_s3_bucket.storage) == 0 && length(aws_secretsmanager_secret.signing) == 0 && length(aws_iam_role_policy.task) == 0
    error_message = "something is made here that is elsewhere"
  }

  assert {
    condition     = length(aws_lb_listener.https) == 0 && length(aws_acm_certificate.main) == 1 && length(aws_ecs_service.web["web"].load_balancer) == 0
    error_message = "the first apply waits for records that nobody can have made"
  }
}

# CI deploys images from ECR, and the records that were made elsewhere exist by now.
run "ci_deploys" {
  command = plan

  variables {
    manage_image      = false
    github_repository = "acme/shop"
    dns_records_exist = true
    web_image         = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  }

  assert {
    condition     = alltrue([for image in values(local.images) : strcontains(image, "/running@")])
    error_message = "the images that run are not kept"
  }

  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.service : definition.track_latest])
    error_message = "what CI registered would be replaced"
  }

  assert {
    condition     = length(aws_lb_listener.https) == 1 && length(aws_ecs_service.web["web"].load_balancer) == 1 && length(aws_route53_record.host) == 0
    error_message = "the way in stays shut once the records are made"
  }

  assert {
    condition     = contains(keys(aws_vpc_endpoint.interface), "ecr.dkr")
    error_message = "images in ECR are pulled through the NAT gateway"
  }

  assert {
    condition     = length(local.repositories.web) == 1 && length(local.repositories.api) == 0
    error_message = "a role may pull images that it does not run"
  }
}

# The last: what it makes, the others would have to read again.
run "a_private_api" {
  command = apply

  variables {
    dns_zone = "example.com"
    api_secrets = {
      SECRET_KEY                  = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:theirs-AbCdEf:key::"
      AUTH_SESSION_ENCRYPTION_KEY = "arn:aws:ssm:eu-central-1:111122223333:parameter/shop/session"
    }
  }

  assert {
    condition = alltrue([
      for role, policy in aws_iam_role_policy.execution :
      toset(one([for statement in jsondecode(policy.policy).Statement : statement.Resource if statement.Sid == "Secrets"]))
      == setunion(
        [for name in local.made_for[role] : aws_secretsmanager_secret.made[name].arn],
        aws_secretsmanager_secret.registry[*].arn,
        role == "api" ? ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:theirs-AbCdEf"] : [],
      )
    ])
    error_message = "an execution role may read something else than what its containers get"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.execution["api"].policy).Statement : statement.Resource if statement.Sid == "Parameters"]) == ["arn:aws:ssm:eu-central-1:111122223333:parameter/shop/session"]
    error_message = "a parameter cannot be read"
  }

  assert {
    condition     = join(",", keys(local.secrets.migrate)) == "DATABASE_URL" && length(local.secrets.web) == 0
    error_message = "migrate gets more than DATABASE_URL, or web gets a secret"
  }

  assert {
    condition     = toset(keys(aws_iam_role_policy.task)) == toset(["api", "worker"])
    error_message = "another role than api and worker has rights while it runs"
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.execution), values(aws_iam_role_policy.task)) : [
        for statement in jsondecode(policy.policy).Statement : !contains(statement.Resource, "*") && !anytrue([for action in statement.Action : strcontains(action, "*")])
      ]
    ]))
    error_message = "a right is on everything, or to everything"
  }

  assert {
    condition     = local.env.web.API_BASE_URL == "http://api:8000" && local.env.api.ALLOWED_HOSTS == "api" && local.env.api.ALLOWED_ORIGINS == "https://app.example.com"
    error_message = "web and api are told different names"
  }

  assert {
    condition     = join(",", keys(aws_lb_target_group.role)) == "web" && aws_lb_target_group.role["web"].health_check[0].path == "/api/health"
    error_message = "the load balancer reaches more than web, or asks web for its dependencies"
  }

  assert {
    condition = (
      strcontains(jsondecode(aws_ecs_task_definition.service["api"].container_definitions)[0].healthCheck.command[1], "http://127.0.0.1:8000/health\n")
      && jsondecode(aws_ecs_task_definition.worker["worker"].container_definitions)[0].healthCheck.command == concat(["CMD"], local.contract.roles.worker.health.command)
      && !can(jsondecode(aws_ecs_task_definition.service["web"].container_definitions)[0].healthCheck)
      && !can(jsondecode(aws_ecs_task_definition.migrate["migrate"].container_definitions)[0].healthCheck)
    )
    error_message = "a role is asked for its health the wrong way"
  }

  assert {
    condition = alltrue([
      for definition in concat(values(aws_ecs_task_definition.service), values(aws_ecs_task_definition.worker), values(aws_ecs_task_definition.migrate)) :
      jsondecode(definition.container_definitions)[0].repositoryCredentials.credentialsParameter == aws_secretsmanager_secret.registry[0].arn
    ])
    error_message = "an image of the private registry is pulled without its login"
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.database)) == toset(["api", "migrate", "worker"]) && toset(keys(aws_vpc_security_group_ingress_rule.redis)) == toset(["api", "worker"])
    error_message = "a role without a store's address reaches it, or one with it does not"
  }

  assert {
    condition     = aws_ecs_service.worker["worker"].deployment_maximum_percent == 100 && aws_ecs_service.worker["worker"].deployment_minimum_healthy_percent == 0
    error_message = "two versions of the worker take jobs at once"
  }

  assert {
    condition     = aws_ecs_task_definition.migrate["migrate"].tags.cluster == "shop-production" && length(split(" ", aws_ecs_task_definition.migrate["migrate"].tags.subnets)) == 2
    error_message = "the job does not say where it runs"
  }

  assert {
    condition     = output.api_url == null && output.web_url == "https://app.example.com" && output.worker_service == "worker" && output.migrate_job == "shop-production-migrate"
    error_message = "an output is wrong"
  }
}
