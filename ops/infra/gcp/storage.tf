# The bucket, if the application keeps its objects here.

resource "google_storage_bucket" "storage" {
  count = var.storage_provider == "gcs" ? 1 : 0

  # Names are the whole world's: the project's id, which is too, makes it one of a kind.
  name                        = var.storage_bucket_name != null ? var.storage_bucket_name : "${local.name}-${var.project_id}"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !local.protected

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_iam_member" "storage" {
  for_each = toset(var.storage_provider == "gcs" ? local.backend : [])

  bucket = google_storage_bucket.storage[0].name
  role   = "roles/storage.objectUser"
  member = google_service_account.role[each.key].member
}
