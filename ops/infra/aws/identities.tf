# Two identities for each role, and none is shared. The execution role is the platform's: it pulls the
# image, writes logs and fetches what the container gets as secrets. The task role is the application's.

locals {
  # What each role's execution role may read: exactly what its container gets. A reference of the
  # operator's own may name a key of the JSON behind the ARN (arn…:key::): the right is to the secret.
  own_references = {
    for role in local.roles : role => [
      for name, reference in local.secrets[role] : reference if contains(keys(local.references[role]), name)
    ]
  }
  execution_secrets = {
    for role in local.roles : role => concat(
      [for name in local.made_for[role] : aws_secretsmanager_secret.made[name].arn],
      distinct(flatten([for reference in local.own_references[role] : regexall("^arn:[^:]+:secretsmanager:[^:]+:[^:]+:secret:[^:]+", reference)])),
    )
  }
  execution_parameters = {
    for role in local.roles : role => distinct(flatten([
      for reference in local.own_references[role] : regexall("^arn:[^:]+:ssm:[^:]+:[^:]+:parameter/.+$", reference)
    ]))
  }
  logins = { for role in local.roles : role => contains(local.by_login, role) ? aws_secretsmanager_secret.registry[*].arn : [] }

  # Any statement without a resource is left out.
  execution_statements = {
    for role in local.roles : role => [
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.role[role].arn}:*"]
      },
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = concat(local.execution_secrets[role], local.logins[role])
      },
      {
        Sid      = "Parameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameters"]
        Resource = local.execution_parameters[role]
      },
      {
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = length(local.execution_secrets[role]) + length(local.logins[role]) > 0 ? [aws_kms_key.main.arn] : []
        Condition = {
          StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.${local.dns_suffix}" }
        }
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = local.repositories[role]
      },
      {
        # This action knows no resource.
        Sid      = "LogInToRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = length(local.in_ecr[role]) > 0 ? ["*"] : []
      },
    ]
  }

  task_statements = {
    for role in setunion(local.of_storage, local.of_signing) : role => [
      {
        Sid      = "ListObjects"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = contains(local.of_storage, role) ? aws_s3_bucket.storage[*].arn : []
      },
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = contains(local.of_storage, role) ? [for arn in aws_s3_bucket.storage[*].arn : "${arn}/*"] : []
      },
      {
        Sid      = "EncryptObjects"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = contains(local.of_storage, role) ? [aws_kms_key.main.arn] : []
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${var.region}.${local.dns_suffix}" }
        }
      },
      {
        Sid      = "SigningKeys"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = contains(local.of_signing, role) ? aws_secretsmanager_secret.signing[*].arn : []
      },
      {
        Sid      = "DecryptSigningKeys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = contains(local.of_signing, role) ? [aws_kms_key.main.arn] : []
        Condition = {
          StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.${local.dns_suffix}" }
        }
      },
    ]
  }

  # Only tasks of this account and region: no other customer's tasks can be made to use these roles.
  assumed_by_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${var.region}:${local.account_id}:*" }
      }
    }]
  })
}

resource "aws_iam_role" "execution" {
  for_each = toset(local.roles)

  name               = "${local.name}-${each.key}-execution"
  description        = "Starts tasks of the role ${each.key}"
  assume_role_policy = local.assumed_by_tasks

  tags = { role = each.key }
}

resource "aws_iam_role_policy" "execution" {
  for_each = toset(local.roles)

  name = "start"
  role = aws_iam_role.execution[each.key].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.execution_statements[each.key] : statement if length(statement.Resource) > 0]
  })
}

resource "aws_iam_role" "task" {
  for_each = toset(local.roles)

  name               = "${local.name}-${each.key}"
  description        = "What the role ${each.key} is while it runs"
  assume_role_policy = local.assumed_by_tasks

  tags = { role = each.key }
}

resource "aws_iam_role_policy" "task" {
  for_each = setunion(local.of_storage, local.of_signing)

  name = "run"
  role = aws_iam_role.task[each.key].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.task_statements[each.key] : statement if length(statement.Resource) > 0]
  })
}
