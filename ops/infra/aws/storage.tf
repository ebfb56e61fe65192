# Objects of the application, and a bucket for the load balancer's log.

resource "aws_s3_bucket" "storage" {
  count = local.own_storage ? 1 : 0

  # Names of buckets are everybody's: account and region make this one ours.
  bucket        = coalesce(var.storage_bucket_name, "${local.name}-${local.account_id}-${var.region}")
  force_destroy = !local.protected

  tags = { Name = "${local.name}-storage" }
}

resource "aws_s3_bucket_public_access_block" "storage" {
  count = local.own_storage ? 1 : 0

  bucket                  = aws_s3_bucket.storage[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "storage" {
  count = local.own_storage ? 1 : 0

  bucket = aws_s3_bucket.storage[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "storage" {
  count = local.own_storage ? 1 : 0

  bucket = aws_s3_bucket.storage[0].id

  rule {
    # One data key for many objects: one call to KMS instead of one for each.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "storage" {
  count = local.own_storage ? 1 : 0

  bucket = aws_s3_bucket.storage[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "storage" {
  count = local.own_storage ? 1 : 0

  bucket = aws_s3_bucket.storage[0].id

  # What was deleted or overwritten can be had back for as long as the database can.
  rule {
    id     = "noncurrent"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.db_backup_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.storage]
}

resource "aws_s3_bucket_policy" "storage" {
  count = local.own_storage ? 1 : 0

  bucket = aws_s3_bucket.storage[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.storage[0].arn, "${aws_s3_bucket.storage[0].arn}/*"]
      Principal = "*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.storage]
}

# The load balancer's log

resource "aws_s3_bucket" "edge_log" {
  count = length(local.hosts) > 0 ? 1 : 0

  bucket        = "${local.name}-${local.account_id}-${var.region}-alb"
  force_destroy = !local.protected

  tags = { Name = "${local.name}-edge-log" }
}

resource "aws_s3_bucket_public_access_block" "edge_log" {
  count = length(local.hosts) > 0 ? 1 : 0

  bucket                  = aws_s3_bucket.edge_log[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "edge_log" {
  count = length(local.hosts) > 0 ? 1 : 0

  bucket = aws_s3_bucket.edge_log[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "edge_log" {
  count = length(local.hosts) > 0 ? 1 : 0

  bucket = aws_s3_bucket.edge_log[0].id

  rule {
    # The one encryption that a load balancer can write with.
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "edge_log" {
  count = length(local.hosts) > 0 ? 1 : 0

  bucket = aws_s3_bucket.edge_log[0].id

  rule {
    id     = "retention"
    status = "Enabled"

    filter {}

    expiration {
      days = var.log_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "edge_log" {
  count = length(local.hosts) > 0 ? 1 : 0

  bucket = aws_s3_bucket.edge_log[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LoadBalancer"
        Effect    = "Allow"
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.edge_log[0].arn}/AWSLogs/${local.account_id}/*"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:elasticloadbalancing:${var.region}:${local.account_id}:loadbalancer/*" } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.edge_log[0].arn, "${aws_s3_bucket.edge_log[0].arn}/*"]
        Principal = "*"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.edge_log]
}
