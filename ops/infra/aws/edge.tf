# The one way in: a load balancer that tells the public roles apart by host name.

locals {
  is_public   = length(local.hosts) > 0
  edge_hosts  = [for role in ["web", "api"] : local.hosts[role] if contains(keys(local.hosts), role)]
  edge_record = var.dns_zone != null ? toset(local.edge_hosts) : toset([])

  # What you make where there is no zone here: what proves that the names are yours, and the way to the
  # load balancer. A zone's own name can have no CNAME: what is like one is called ALIAS or ANAME there.
  dns_records = concat(
    [
      for option in var.dns_zone == null ? flatten(aws_acm_certificate.main[*].domain_validation_options) : [] : {
        name  = option.resource_record_name
        type  = option.resource_record_type
        value = option.resource_record_value
      }
    ],
    [
      for host in var.dns_zone == null ? local.edge_hosts : [] : {
        name  = host
        type  = length(split(".", host)) > 2 ? "CNAME" : "ALIAS"
        value = aws_lb.main[0].dns_name
      }
    ],
  )

  # How long a request may take, and an idle connection is kept: less than the roles' servers keep
  # theirs, so that it is never they who close first.
  request_seconds = 60
}

data "aws_route53_zone" "main" {
  count = var.dns_zone != null ? 1 : 0

  name         = var.dns_zone
  private_zone = false
}

resource "aws_lb" "main" {
  count = local.is_public ? 1 : 0

  name               = local.name
  load_balancer_type = "application"
  internal           = false
  subnets            = aws_subnet.public[*].id
  security_groups    = [aws_security_group.edge[0].id]
  idle_timeout       = local.request_seconds
  # Headers that servers read in different ways are how requests are smuggled.
  drop_invalid_header_fields = true
  enable_deletion_protection = local.protected

  access_logs {
    enabled = true
    bucket  = aws_s3_bucket.edge_log[0].id
  }

  tags = { Name = local.name }

  # The load balancer writes a test object when its log is turned on.
  depends_on = [aws_s3_bucket_policy.edge_log]
}

resource "aws_lb_target_group" "role" {
  for_each = local.hosts

  # A prefix, since a target group that is in use cannot give up its name to the next.
  name_prefix          = "${each.key}-"
  port                 = local.contract.roles[each.key].port
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.main.id
  deregistration_delay = local.contract.roles[each.key].drain_seconds

  # ECS ends a task that fails here, too: the live path, which asks for no dependency.
  health_check {
    path                = local.contract.roles[each.key].health.live
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = { role = each.key }

  lifecycle {
    create_before_destroy = true
  }
}

# Certificate

resource "aws_acm_certificate" "main" {
  count = local.is_public ? 1 : 0

  # Newer Terraforms look at both even where there is no certificate: neither may fail then.
  domain_name               = try(local.edge_hosts[0], null)
  subject_alternative_names = [for number, host in local.edge_hosts : host if number > 0]
  validation_method         = "DNS"

  tags = { Name = local.name }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = local.edge_record

  zone_id = data.aws_route53_zone.main[0].zone_id
  name    = one([for option in aws_acm_certificate.main[0].domain_validation_options : option.resource_record_name if option.domain_name == each.key])
  type    = one([for option in aws_acm_certificate.main[0].domain_validation_options : option.resource_record_type if option.domain_name == each.key])
  records = [one([for option in aws_acm_certificate.main[0].domain_validation_options : option.resource_record_value if option.domain_name == each.key])]
  ttl     = 60
  # Another installation of the same names has the very same record.
  allow_overwrite = true
}

# Without dns_zone there is none until you have made the records (dns_records_exist).
resource "aws_acm_certificate_validation" "main" {
  count = length(local.bound) > 0 ? 1 : 0

  certificate_arn         = aws_acm_certificate.main[0].arn
  validation_record_fqdns = var.dns_zone != null ? [for record in aws_route53_record.validation : record.fqdn] : null
}

resource "aws_route53_record" "host" {
  for_each = local.edge_record

  zone_id = data.aws_route53_zone.main[0].zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = aws_lb.main[0].dns_name
    zone_id                = aws_lb.main[0].zone_id
    evaluate_target_health = false
  }
}

# Listeners

resource "aws_lb_listener" "http" {
  count = local.is_public ? 1 : 0

  load_balancer_arn = aws_lb.main[0].arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  count = length(local.bound) > 0 ? 1 : 0

  load_balancer_arn = aws_lb.main[0].arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = aws_acm_certificate_validation.main[0].certificate_arn
  # The default is of 2016 and lets TLS 1.0 in.
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"

  routing_http_response_server_enabled                         = false
  routing_http_response_strict_transport_security_header_value = "max-age=31536000"
  routing_http_response_x_content_type_options_header_value    = "nosniff"

  # Whoever asks for another host, or for an address, is told nothing.
  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "role" {
  for_each = local.bound

  listener_arn = aws_lb_listener.https[0].arn
  priority     = { web = 10, api = 20 }[each.key]

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.role[each.key].arn
  }

  condition {
    host_header {
      values = [each.value]
    }
  }

  tags = { role = each.key }
}
