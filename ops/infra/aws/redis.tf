# Redis, which on this cloud is Valkey: one shard, since plain clients do not follow MOVED.

locals {
  redis_nodes = { small = "cache.t4g.small", medium = "cache.m7g.large", large = "cache.m7g.xlarge" }
  redis_node  = var.redis_instance_type != null ? var.redis_instance_type : local.redis_nodes[var.redis_size]
  redis_host  = aws_elasticache_replication_group.main.primary_endpoint_address
  redis_port  = aws_elasticache_replication_group.main.port
}

resource "aws_elasticache_subnet_group" "main" {
  name        = local.name
  description = "Subnets without a way out"
  subnet_ids  = aws_subnet.data[*].id
}

resource "aws_elasticache_parameter_group" "main" {
  name        = "${local.name}-valkey8"
  description = "Valkey 8 of ${local.name}"
  family      = "valkey8"

  # What the application queued is not forgotten when memory runs out: writing fails, and says so.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# A replication group, and never aws_elasticache_cluster: that has no TLS for Valkey.
resource "aws_elasticache_replication_group" "main" {
  replication_group_id = local.name
  description          = "Redis of ${local.name}"
  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = local.redis_node
  port                 = local.contract.connections.redis.port

  num_cache_clusters         = local.redis_ha ? 2 : 1
  automatic_failover_enabled = local.redis_ha
  multi_az_enabled           = local.redis_ha

  subnet_group_name    = aws_elasticache_subnet_group.main.name
  security_group_ids   = [aws_security_group.redis.id]
  parameter_group_name = aws_elasticache_parameter_group.main.name

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.main.arn
  # In the state until the provider's lower bound has auth_token_wo (README.md).
  auth_token = var.redis_auth_token
  # The old token stays valid beside the new one: what still runs is not locked out by a rotation.
  auth_token_update_strategy = "ROTATE"

  snapshot_retention_limit   = local.production ? 7 : 1
  apply_immediately          = !local.production
  auto_minor_version_upgrade = true

  tags = { Name = local.name }
}
