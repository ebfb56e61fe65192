# The migrate job: no service, but a definition that a release runs once and waits for
# (`invoke aws.migrate`). Its tags say where it runs, so that whoever starts it needs nothing else.

locals {
  jobs = toset([for role in local.roles : role if role == "migrate"])
}

resource "aws_ecs_task_definition" "migrate" {
  for_each = local.jobs

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

  tags = {
    role            = each.key
    cluster         = aws_ecs_cluster.main.name
    subnets         = join(" ", aws_subnet.private[*].id)
    security_group  = aws_security_group.role[each.key].id
    timeout_seconds = tostring(local.contract.roles[each.key].timeout_seconds)
  }
}
