# api and web: what a container is, the cluster, and the two services that answer requests.

locals {
  # Is this container's own server alive? Asked with whatever tool the image has; with none of them,
  # a listening port (0A) has to do. Only for a role that the load balancer does not ask.
  ask_live = {
    for role in local.services : role => <<-SHELL
      url=http://127.0.0.1:${local.contract.roles[role].port}${local.contract.roles[role].health.live}
      if command -v curl >/dev/null; then exec curl -fs -o /dev/null -m 4 "$url"; fi
      if command -v wget >/dev/null; then exec wget -q -T 4 -O /dev/null "$url"; fi
      if command -v python3 >/dev/null; then exec python3 -ISc 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=4)' "$url"; fi
      if command -v node >/dev/null; then exec node -e 'fetch(process.argv[1]).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))' "$url"; fi
      exec grep -Eqs ':${format("%04X", local.contract.roles[role].port)} [0-9A-F]+:0000 0A ' /proc/net/tcp /proc/net/tcp6
    SHELL
  }

  # ECS ends a task whose health check fails: so it asks whether the process lives, never whether what
  # it needs does. An outage of Redis must not end every task.
  health_commands = {
    for role in local.roles : role => (
      length(try(local.contract.roles[role].health.command, [])) > 0
      ? concat(["CMD"], local.contract.roles[role].health.command)
      : contains(local.services, role) && !contains(keys(local.bound), role) ? ["CMD-SHELL", local.ask_live[role]] : null
    )
  }

  # Tasks read secrets once, when they start: whatever changes one of these starts new tasks.
  new_secrets = merge({ secrets_version = tostring(var.secrets_version) }, local.stores)

  # Role to the definition of its one container.
  containers = {
    for role in local.roles : role => merge(
      {
        name                   = role
        image                  = local.images[role]
        essential              = true
        command                = local.contract.roles[role].command
        environment            = [for name, value in local.env[role] : { name = name, value = value }]
        secrets                = [for name, reference in local.secrets[role] : { name = name, valueFrom = reference }]
        stopTimeout            = local.contract.roles[role].stop_seconds
        readonlyRootFilesystem = true
        linuxParameters = {
          # A first process that reaps orphans and passes signals on.
          initProcessEnabled = true
          capabilities       = { drop = ["ALL"] }
          # The one place to write; what is to be kept belongs in the bucket.
          tmpfs = [{ containerPath = "/tmp", size = 64 }]
        }
        logConfiguration = {
          logDriver = "awslogs"
          options = {
            awslogs-group         = aws_cloudwatch_log_group.role[role].name
            awslogs-region        = var.region
            awslogs-stream-prefix = role
            # When CloudWatch does not answer, the application goes on and lines are lost.
            mode            = "non-blocking"
            max-buffer-size = "4m"
          }
        }
      },
      {
        for key, value in {
          portMappings = contains(local.services, role) ? [{
            name          = "http"
            containerPort = local.contract.roles[role].port
            hostPort      = local.contract.roles[role].port
            protocol      = "tcp"
            appProtocol   = "http"
          }] : null
          healthCheck = local.health_commands[role] != null ? {
            command     = local.health_commands[role]
            interval    = 15
            timeout     = 10
            retries     = 3
            startPeriod = local.contract.roles[role].start_seconds
          } : null
          repositoryCredentials = contains(local.by_login, role) ? {
            credentialsParameter = aws_secretsmanager_secret.registry[0].arn
          } : null
        } : key => value if value != null
      },
    )
  }
}

# The image that runs, for those whose CI deploys.
data "aws_ecs_service" "running" {
  for_each = var.manage_image ? toset([]) : setsubtract(local.roles, ["migrate"])

  service_name = each.key
  # Not the cluster's attribute: a change of the cluster would put the answer off until it is applied.
  cluster_arn = "arn:${local.partition}:ecs:${var.region}:${local.account_id}:cluster/${local.name}"
}

data "aws_ecs_container_definition" "running" {
  for_each = data.aws_ecs_service.running

  task_definition = each.value.task_definition
  container_name  = each.key
}

resource "aws_ecs_cluster" "main" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "role" {
  for_each = toset(local.roles)

  name              = "/${local.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.main.arn

  tags = { role = each.key }

  depends_on = [aws_kms_key_policy.main]
}

# Names that roles reach each other by, inside the cluster alone.
resource "aws_service_discovery_http_namespace" "main" {
  count = local.connected ? 1 : 0

  name        = local.name
  description = "Roles of ${local.name}"
}

resource "aws_ecs_task_definition" "service" {
  for_each = local.services

  family                   = "${local.name}-${each.key}"
  container_definitions    = jsonencode([local.containers[each.key]])
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(local.sizes[each.key].cpu * 1024)
  memory                   = tostring(local.sizes[each.key].memory)
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn
  # A service that falls back needs the revision that it came from.
  skip_destroy = true
  # What CI registered meanwhile is what there is, if CI deploys.
  track_latest = !var.manage_image

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  tags = { role = each.key }
}

resource "aws_ecs_service" "api" {
  for_each = setintersection(local.services, ["api"])

  name                              = each.key
  cluster                           = aws_ecs_cluster.main.arn
  task_definition                   = aws_ecs_task_definition.service[each.key].arn
  desired_count                     = local.sizes[each.key].min
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = contains(keys(local.bound), each.key) ? local.contract.roles[each.key].start_seconds : null
  availability_zone_rebalancing     = "ENABLED"
  propagate_tags                    = "SERVICE"
  enable_ecs_managed_tags           = true

  force_new_deployment = true
  triggers             = local.new_secrets

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.private[*].id
    security_groups  = [aws_security_group.role[each.key].id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = contains(keys(local.bound), each.key) ? [aws_lb_target_group.role[each.key].arn] : []

    content {
      target_group_arn = load_balancer.value
      container_name   = each.key
      container_port   = local.contract.roles[each.key].port
    }
  }

  dynamic "service_connect_configuration" {
    for_each = local.connected ? [aws_service_discovery_http_namespace.main[0].arn] : []

    content {
      enabled   = true
      namespace = service_connect_configuration.value

      service {
        port_name      = "http"
        discovery_name = each.key

        client_alias {
          dns_name = each.key
          port     = local.api_port
        }

        # The default would end any request after 15 seconds.
        timeout {
          idle_timeout_seconds        = local.request_seconds
          per_request_timeout_seconds = local.request_seconds
        }
      }
    }
  }

  lifecycle {
    # The autoscaling below decides, between api_min_instances and api_max_instances.
    ignore_changes = [desired_count]
  }

  tags = { role = each.key }

  depends_on = [
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_lb_listener_rule.role,
    aws_route.private,
    aws_secretsmanager_secret_version.made,
    aws_secretsmanager_secret_version.registry,
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.role,
    aws_vpc_security_group_ingress_rule.database,
    aws_vpc_security_group_ingress_rule.endpoints,
    aws_vpc_security_group_ingress_rule.redis,
  ]
}

resource "aws_ecs_service" "web" {
  for_each = setintersection(local.services, ["web"])

  name                              = each.key
  cluster                           = aws_ecs_cluster.main.arn
  task_definition                   = aws_ecs_task_definition.service[each.key].arn
  desired_count                     = local.sizes[each.key].min
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = contains(keys(local.bound), each.key) ? local.contract.roles[each.key].start_seconds : null
  availability_zone_rebalancing     = "ENABLED"
  propagate_tags                    = "SERVICE"
  enable_ecs_managed_tags           = true

  force_new_deployment = true
  triggers             = local.new_secrets

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.private[*].id
    security_groups  = [aws_security_group.role[each.key].id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = contains(keys(local.bound), each.key) ? [aws_lb_target_group.role[each.key].arn] : []

    content {
      target_group_arn = load_balancer.value
      container_name   = each.key
      container_port   = local.contract.roles[each.key].port
    }
  }

  dynamic "service_connect_configuration" {
    for_each = local.connected ? [aws_service_discovery_http_namespace.main[0].arn] : []

    content {
      enabled   = true
      namespace = service_connect_configuration.value
    }
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  tags = { role = each.key }

  # A task knows only the names that were there when it started: api is there first.
  depends_on = [
    aws_ecs_service.api,
    aws_iam_role_policy.execution,
    aws_lb_listener_rule.role,
    aws_route.private,
    aws_secretsmanager_secret_version.made,
    aws_secretsmanager_secret_version.registry,
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_egress_rule.role,
    aws_vpc_security_group_ingress_rule.endpoints,
  ]
}

resource "aws_appautoscaling_target" "service" {
  for_each = local.services

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.main.name}/${each.key}"
  min_capacity       = local.sizes[each.key].min
  max_capacity       = local.sizes[each.key].max

  depends_on = [aws_ecs_service.api, aws_ecs_service.web]
}

resource "aws_appautoscaling_policy" "service" {
  for_each = toset([for role in local.services : role if local.sizes[role].max > local.sizes[role].min])

  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.service[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.service[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value = 60
    # Out at once, in only after five quiet minutes.
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
