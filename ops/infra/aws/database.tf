# Postgres: private, encrypted, and with nobody's word but TLS with its own authority.

locals {
  postgres_major = "17"

  database_classes = { small = "db.t4g.small", medium = "db.m7g.large", large = "db.m7g.2xlarge" }
  database_class   = var.db_instance_type != null ? var.db_instance_type : local.database_classes[var.db_size]

  # Memory in GiB by the last word of a class; families r and x have two and four times as much.
  database_gib = {
    micro     = 1
    small     = 2
    medium    = 4
    large     = 8
    xlarge    = 16
    "2xlarge" = 32
    "4xlarge" = 64
    "8xlarge" = 128
  }
  database_memory = try(
    local.database_gib[split(".", local.database_class)[2]]
    * (startswith(local.database_class, "db.r") ? 2 : startswith(local.database_class, "db.x") ? 4 : 1),
    null
  )
  # RDS allows one connection for each 9 531 392 bytes that are left after the system took its part;
  # 0.7 leaves room for that part, migrations and people. Null for a class that is not known here.
  max_connections = local.database_memory == null ? null : min(5000, floor(local.database_memory * 1073741824 / 9531392 * 0.7))

  # The authority that signed the database's certificate is in no base image.
  database_ca_file = "${path.module}/rds-ca/${var.region}.pem"
  database_ca_cert = fileexists(local.database_ca_file) ? file(local.database_ca_file) : ""
}

resource "aws_db_subnet_group" "main" {
  name        = local.name
  description = "Subnets without a way out"
  subnet_ids  = aws_subnet.data[*].id
}

resource "aws_db_parameter_group" "main" {
  name        = "${local.name}-postgres${local.postgres_major}"
  description = "Postgres ${local.postgres_major} of ${local.name}"
  family      = "postgres${local.postgres_major}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # Slow statements alone: all of them would write passwords and people's data into the log.
  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# RDS would make these itself and keep their logs for ever.
resource "aws_cloudwatch_log_group" "database" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${local.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.main.arn

  depends_on = [aws_kms_key_policy.main]
}

resource "aws_db_instance" "main" {
  identifier     = local.name
  engine         = "postgres"
  engine_version = local.postgres_major
  instance_class = local.database_class

  db_name  = var.db_name
  username = var.db_admin_username
  # Not manage_master_user_password: that rotates every seven days behind DATABASE_URL's back.
  password_wo         = var.db_admin_password
  password_wo_version = var.secrets_version
  port                = local.contract.connections.postgres.port

  storage_type          = "gp3"
  allocated_storage     = var.db_storage_gib
  max_allocated_storage = min(65536, var.db_storage_gib * 8)
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.main.arn

  multi_az               = local.database_ha
  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  # The authority that rds-ca/ has the region's root of.
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"
  parameter_group_name                = aws_db_parameter_group.main.name
  iam_database_authentication_enabled = true

  backup_retention_period   = var.db_backup_retention_days
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !local.protected
  skip_final_snapshot       = !local.protected
  final_snapshot_identifier = "${local.name}-final"
  deletion_protection       = local.protected

  # Larger changes wait for the maintenance window where an interruption would be noticed.
  apply_immediately           = !local.production
  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false

  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.main.arn
  performance_insights_retention_period = 7
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]

  tags = { Name = local.name }

  depends_on = [aws_cloudwatch_log_group.database]
}
