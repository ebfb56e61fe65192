# The worker: a service that nobody sends requests to. Its health is what its own command says.

locals {
  workers = toset([for role in local.roles : role if role == "worker"])
  # Two versions never take jobs, unless the contract says that they may.
  worker_overlaps = try(local.contract.roles.worker.handover, "") == "overlap"
}

resource "aws_ecs_task_definition" "worker" {
  for_each = local.workers

  family                   = "${local.name}-${each.key}"
  container_definitions    = jsonencode([local.containers[each.key]])
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(local.sizes[each.key].cpu * 1024)
  memory                   = tostring(local.sizes[each.key].memory)
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn
  skip_destroy             = true
  track_latest             = !var.manage_image

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  tags = { role = each.key }
}

resource "aws_ecs_service" "worker" {
  for_each = local.workers

  name                    = each.key
  cluster                 = aws_ecs_cluster.main.arn
  task_definition         = aws_ecs_task_definition.worker[each.key].arn
  desired_count           = local.sizes[each.key].min
  launch_type             = "FARGATE"
  propagate_tags          = "SERVICE"
  enable_ecs_managed_tags = true

  force_new_deployment = true
  triggers             = local.new_secrets

  # The old tasks stop before the new ones start. ECS moves tasks between zones by starting first:
  # it refuses to where that is not allowed.
  deployment_minimum_healthy_percent = local.worker_overlaps ? 100 : 0
  deployment_maximum_percent         = local.worker_overlaps ? 200 : 100
  availability_zone_rebalancing      = local.worker_overlaps ? "ENABLED" : "DISABLED"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.private[*].id
    security_groups  = [aws_security_group.role[each.key].id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  tags = { role = each.key }

  depends_on = [
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
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

resource "aws_appautoscaling_target" "worker" {
  for_each = local.workers

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.main.name}/${aws_ecs_service.worker[each.key].name}"
  min_capacity       = local.sizes[each.key].min
  max_capacity       = local.sizes[each.key].max
}

resource "aws_appautoscaling_policy" "worker" {
  for_each = toset([for role in local.workers : role if local.sizes[role].max > local.sizes[role].min])

  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.worker[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.worker[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.worker[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
