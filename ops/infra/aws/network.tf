# Three layers of subnets in two zones: public for the load balancer and NAT, private for the roles,
# data for Postgres and Redis, which have no way out at all.

data "aws_availability_zones" "available" {
  state = "available"
  # Zones of old, in which Fargate or current instance classes are not to be had.
  exclude_zone_ids = ["apne1-az3", "cac1-az4", "use1-az3", "usw1-az2"]

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = 2
  # One NAT gateway for each zone where a zone's failure must not matter; else one for all.
  gateways = local.production ? local.zones : 1

  # AWS services that the roles talk to without leaving the network.
  endpoints = toset(concat(["logs", "secretsmanager"], anytrue([for found in values(local.in_ecr) : length(found) > 0]) ? ["ecr.api", "ecr.dkr"] : []))

  # With trusted proxies (a CDN) nobody else may speak to the load balancer: it passes on whatever
  # forwarding headers it is sent.
  edge_ranges = length(var.trusted_proxies) > 0 ? toset(var.trusted_proxies) : toset(["0.0.0.0/0"])
}

resource "aws_vpc" "main" {
  cidr_block           = var.network_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = local.name }
}

# Whatever is made without a security group of its own can reach nothing and is reached by nothing.
resource "aws_default_security_group" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "public" {
  count = local.zones

  vpc_id            = aws_vpc.main.id
  availability_zone = element(data.aws_availability_zones.available.names, count.index)
  cidr_block        = cidrsubnet(var.network_cidr, 4, count.index)

  tags = { Name = "${local.name}-public-${count.index}" }
}

resource "aws_subnet" "private" {
  count = local.zones

  vpc_id            = aws_vpc.main.id
  availability_zone = element(data.aws_availability_zones.available.names, count.index)
  cidr_block        = cidrsubnet(var.network_cidr, 4, count.index + 4)

  tags = { Name = "${local.name}-private-${count.index}" }
}

resource "aws_subnet" "data" {
  count = local.zones

  vpc_id            = aws_vpc.main.id
  availability_zone = element(data.aws_availability_zones.available.names, count.index)
  cidr_block        = cidrsubnet(var.network_cidr, 4, count.index + 8)

  tags = { Name = "${local.name}-data-${count.index}" }
}

# Ways out

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id

  tags = { Name = local.name }
}

resource "aws_eip" "nat" {
  count = local.gateways

  domain = "vpc"

  tags = { Name = "${local.name}-nat-${count.index}" }

  depends_on = [aws_internet_gateway.main]
}

resource "aws_nat_gateway" "main" {
  count = local.gateways

  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id

  tags = { Name = "${local.name}-${count.index}" }

  depends_on = [aws_route.public]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-public" }
}

resource "aws_route" "public" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route_table_association" "public" {
  count = local.zones

  route_table_id = aws_route_table.public.id
  subnet_id      = aws_subnet.public[count.index].id
}

resource "aws_route_table" "private" {
  count = local.zones

  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-private-${count.index}" }
}

resource "aws_route" "private" {
  count = local.zones

  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[min(count.index, local.gateways - 1)].id
}

resource "aws_route_table_association" "private" {
  count = local.zones

  route_table_id = aws_route_table.private[count.index].id
  subnet_id      = aws_subnet.private[count.index].id
}

resource "aws_route_table" "data" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-data" }
}

resource "aws_route_table_association" "data" {
  count = local.zones

  route_table_id = aws_route_table.data.id
  subnet_id      = aws_subnet.data[count.index].id
}

# AWS services from inside

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private[*].id

  tags = { Name = "${local.name}-s3" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.endpoints

  vpc_id              = aws_vpc.main.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  security_group_ids  = [aws_security_group.endpoints.id]
  # In one zone they are reached from both: the second is paid for where a zone may fail.
  subnet_ids = slice(aws_subnet.private[*].id, 0, local.gateways)

  tags = { Name = "${local.name}-${each.key}" }
}

# Who may speak to whom. The rules are resources of their own, so that a rule can change alone.

resource "aws_security_group" "edge" {
  count = length(local.hosts) > 0 ? 1 : 0

  name        = "${local.name}-edge"
  description = "Load balancer"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-edge" }
}

resource "aws_security_group" "role" {
  for_each = toset(local.roles)

  name        = "${local.name}-${each.key}"
  description = "Tasks of the role ${each.key}"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "Postgres"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-database" }
}

resource "aws_security_group" "redis" {
  name        = "${local.name}-redis"
  description = "Redis"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-redis" }
}

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "AWS services inside the network"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "edge" {
  for_each = {
    for pair in setproduct(["80", "443"], local.edge_ranges) : join(" from ", pair) => { port = pair[0], range = pair[1] }
    if length(local.hosts) > 0
  }

  security_group_id = aws_security_group.edge[0].id
  description       = "Browsers and callers of the api"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = strcontains(each.value.range, ":") ? null : each.value.range
  cidr_ipv6         = strcontains(each.value.range, ":") ? each.value.range : null
}

resource "aws_vpc_security_group_egress_rule" "edge" {
  for_each = local.hosts

  security_group_id            = aws_security_group.edge[0].id
  description                  = "Requests and health checks to ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.contract.roles[each.key].port
  to_port                      = local.contract.roles[each.key].port
  referenced_security_group_id = aws_security_group.role[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "from_edge" {
  for_each = local.hosts

  security_group_id            = aws_security_group.role[each.key].id
  description                  = "Requests and health checks of the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = local.contract.roles[each.key].port
  to_port                      = local.contract.roles[each.key].port
  referenced_security_group_id = aws_security_group.edge[0].id
}

resource "aws_vpc_security_group_ingress_rule" "api_from_web" {
  count = local.connected ? 1 : 0

  security_group_id            = aws_security_group.role["api"].id
  description                  = "Server of web"
  ip_protocol                  = "tcp"
  from_port                    = local.api_port
  to_port                      = local.api_port
  referenced_security_group_id = aws_security_group.role["web"].id
}

# Mail servers, payment providers, Vault: what an application calls, and on which port, is its own.
resource "aws_vpc_security_group_egress_rule" "role" {
  for_each = toset(local.roles)

  security_group_id = aws_security_group.role[each.key].id
  description       = "Whatever the application calls"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each = local.of_database

  security_group_id            = aws_security_group.database.id
  description                  = "Postgres from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.contract.connections.postgres.port
  to_port                      = local.contract.connections.postgres.port
  referenced_security_group_id = aws_security_group.role[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "redis" {
  for_each = local.of_redis

  security_group_id            = aws_security_group.redis.id
  description                  = "Redis from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.contract.connections.redis.port
  to_port                      = local.contract.connections.redis.port
  referenced_security_group_id = aws_security_group.role[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = toset(local.roles)

  security_group_id            = aws_security_group.endpoints.id
  description                  = "AWS services from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.role[each.key].id
}

# What was refused is logged: everything would cost more than it tells.

resource "aws_flow_log" "refused" {
  vpc_id          = aws_vpc.main.id
  traffic_type    = "REJECT"
  log_destination = aws_cloudwatch_log_group.network.arn
  iam_role_arn    = aws_iam_role.flow_log.arn

  tags = { Name = local.name }
}

resource "aws_cloudwatch_log_group" "network" {
  name              = "/${local.name}/network"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.main.arn

  depends_on = [aws_kms_key_policy.main]
}

resource "aws_iam_role" "flow_log" {
  name        = "${local.name}-flow-log"
  description = "Writes what the network refused"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "flow_log" {
  name = "write"
  role = aws_iam_role.flow_log.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
      Resource = [aws_cloudwatch_log_group.network.arn, "${aws_cloudwatch_log_group.network.arn}:*"]
    }]
  })
}
