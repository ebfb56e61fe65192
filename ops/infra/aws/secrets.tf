# Each secret of the contract is one secret here, and its text is written without lying in the state.

locals {
  # What the stack composes itself: nobody has to know a host before there is one.
  composed_secrets = {
    database_url = "postgresql://${var.db_admin_username}:${urlencode(var.db_admin_password)}@${aws_db_instance.main.address}:${local.contract.connections.postgres.port}/${var.db_name}"
    redis_url    = "rediss://:${urlencode(var.redis_auth_token)}@${local.redis_host}:${local.redis_port}/0"
  }

  # Where the stores are, without what is secret.
  stores = {
    database = "${var.db_admin_username}@${aws_db_instance.main.address}:${local.contract.connections.postgres.port}/${var.db_name}"
    redis    = "${local.redis_host}:${local.redis_port}"
  }

  # Days in which a deleted secret can be had back; its name is taken for as long.
  recovery_days = local.protected ? 30 : 0
}

# One key encrypts all that is stored: secrets, disks, objects, logs.
resource "aws_kms_key" "main" {
  description             = "What ${local.name} stores"
  enable_key_rotation     = true
  deletion_window_in_days = local.protected ? 30 : 7

  tags = { Name = local.name }
}

resource "aws_kms_alias" "main" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_kms_key_policy" "main" {
  key_id = aws_kms_key.main.key_id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # The account's own IAM policies decide: without this, nobody could change the key any more.
        Sid       = "Account"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Action    = ["kms:Decrypt*", "kms:DescribeKey", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/${local.name}/*",
              "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/rds/instance/${local.name}/*",
            ]
          }
        }
      },
    ]
  })
}

# When it changes, what was written names a store that is no more.
resource "terraform_data" "stores" {
  input = local.stores
}

resource "aws_secretsmanager_secret" "made" {
  for_each = local.made_secrets

  name                    = "${local.name}/${each.key}"
  description             = local.contract.variables[each.key].source == "composed" ? "Composed by Terraform" : "From secret_values"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = local.recovery_days

  tags = { variable = each.key }
}

resource "aws_secretsmanager_secret_version" "made" {
  for_each = local.made_secrets

  secret_id = aws_secretsmanager_secret.made[each.key].id
  secret_string_wo = (
    local.contract.variables[each.key].source == "composed"
    ? local.composed_secrets[local.contract.variables[each.key].composed]
    : var.secret_values[each.key]
  )
  secret_string_wo_version = var.secrets_version

  lifecycle {
    replace_triggered_by = [terraform_data.stores]
  }
}

# Login to the private registry, for the execution roles of the images that lie there.
resource "aws_secretsmanager_secret" "registry" {
  count = var.registry_server != null ? 1 : 0

  name                    = "${local.name}/registry"
  description             = "Login to ${coalesce(var.registry_server, "-")}"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = local.recovery_days
}

resource "aws_secretsmanager_secret_version" "registry" {
  count = var.registry_server != null ? 1 : 0

  secret_id                = aws_secretsmanager_secret.registry[0].id
  secret_string_wo         = jsonencode({ username = var.registry_username, password = var.registry_password })
  secret_string_wo_version = var.secrets_version
}

# The signing keys: made empty, since what lies in it is the application's own format. Readiness says
# so until it is filled (docs/ops/hosting-aws.md).
resource "aws_secretsmanager_secret" "signing" {
  count = local.own_signing ? 1 : 0

  name                    = var.auth_key_secret_name
  description             = "Signing keys of ${local.name}"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = local.recovery_days

  tags = { Name = "${local.name}-signing" }
}
