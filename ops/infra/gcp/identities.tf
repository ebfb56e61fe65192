# One identity per role. What it may do is granted where the thing is, and to nothing more.

locals {
  # At most 30 characters: the project's name (20), the profile (4) and this.
  account_names = { api = "api", web = "web", worker = "wrk", migrate = "mig" }
}

resource "google_service_account" "role" {
  for_each = toset(local.roles)

  account_id   = "${local.name}-${local.account_names[each.key]}"
  display_name = "${var.project_name} ${var.environment}: ${each.key}"

  depends_on = [google_project_service.required]
}

# Signed URLs without a key file: the role signs as itself through the IAM credentials API.
resource "google_service_account_iam_member" "signs_as_itself" {
  for_each = toset(var.storage_provider == "gcs" ? local.backend : [])

  service_account_id = google_service_account.role[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.role[each.key].member
}
