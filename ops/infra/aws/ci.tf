# What GitHub Actions may do: deploy, from one repository and one environment of it, without any key.

locals {
  with_ci = var.github_repository != null
  github  = "token.actions.githubusercontent.com"

  service_arns = [for role in setsubtract(local.roles, ["migrate"]) : "arn:${local.partition}:ecs:${var.region}:${local.account_id}:service/${local.name}/${role}"]

  ci_statements = [
    {
      # ECS knows no resource for these; what a registered task may be is bound by PassRole below.
      Sid      = "Define"
      Effect   = "Allow"
      Action   = ["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions", "ecs:RegisterTaskDefinition"]
      Resource = ["*"]
    },
    {
      # A revision carries the tags of the one before it, and a run of the job those of its revision.
      Sid    = "TagWhatIsMade"
      Effect = "Allow"
      Action = ["ecs:TagResource"]
      Resource = [
        "arn:${local.partition}:ecs:${var.region}:${local.account_id}:task-definition/${local.name}-*",
        "arn:${local.partition}:ecs:${var.region}:${local.account_id}:task/${local.name}/*",
      ]
      Condition = { StringEquals = { "ecs:CreateAction" = ["RegisterTaskDefinition", "RunTask"] } }
    },
    {
      Sid       = "PassRoles"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = concat(values(aws_iam_role.execution)[*].arn, values(aws_iam_role.task)[*].arn)
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    },
    {
      Sid      = "Deploy"
      Effect   = "Allow"
      Action   = ["ecs:DescribeServices", "ecs:UpdateService"]
      Resource = local.service_arns
    },
    {
      Sid       = "Migrate"
      Effect    = "Allow"
      Action    = ["ecs:RunTask"]
      Resource  = contains(local.roles, "migrate") ? ["arn:${local.partition}:ecs:${var.region}:${local.account_id}:task-definition/${local.name}-migrate:*"] : []
      Condition = { ArnEquals = { "ecs:cluster" = aws_ecs_cluster.main.arn } }
    },
    {
      # Stopped when it takes longer than the contract lets it: Fargate itself sets no limit.
      Sid      = "WaitForMigration"
      Effect   = "Allow"
      Action   = ["ecs:DescribeTasks", "ecs:StopTask"]
      Resource = ["arn:${local.partition}:ecs:${var.region}:${local.account_id}:task/${local.name}/*"]
    },
    {
      Sid      = "ReadMigrationLog"
      Effect   = "Allow"
      Action   = ["logs:GetLogEvents"]
      Resource = contains(local.roles, "migrate") ? ["${aws_cloudwatch_log_group.role["migrate"].arn}:*"] : []
    },
    {
      Sid      = "PushImages"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
      Resource = distinct(flatten(values(local.repositories)))
    },
    {
      # This action knows no resource.
      Sid      = "LogInToRegistry"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = anytrue([for found in values(local.in_ecr) : length(found) > 0]) ? ["*"] : []
    },
  ]
}

# An account has one of these: where it is there already, import it (README.md).
resource "aws_iam_openid_connect_provider" "github" {
  count = local.with_ci ? 1 : 0

  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "ci" {
  count = local.with_ci ? 1 : 0

  name        = "${local.name}-ci"
  description = "GitHub Actions of ${coalesce(var.github_repository, "-")}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github[0].arn }
      Condition = {
        StringEquals = {
          "${local.github}:aud" = "sts.amazonaws.com"
          "${local.github}:sub" = "${coalesce(var.github_subject, "repo:${coalesce(var.github_repository, "-")}")}:environment:${var.github_environment}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "ci" {
  count = local.with_ci ? 1 : 0

  name = "deploy"
  role = aws_iam_role.ci[0].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.ci_statements : statement if length(statement.Resource) > 0]
  })
}
