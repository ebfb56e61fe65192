# Where images come from, and who may deploy them.

# A private registry: Cloud Run pulls through this repository, which alone knows the token.

resource "google_secret_manager_secret" "registry" {
  count = var.registry_server != null ? 1 : 0

  secret_id = "${local.name}-registry-password"
  # A token can be made anew.
  deletion_protection = false

  replication {
    auto {}
  }

  depends_on = [google_project_service.required]
}

resource "google_secret_manager_secret_version" "registry" {
  count = var.registry_server != null ? 1 : 0

  secret                 = google_secret_manager_secret.registry[0].id
  secret_data_wo         = var.registry_password
  secret_data_wo_version = var.secrets_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "registry" {
  count = var.registry_server != null ? 1 : 0

  secret_id = google_secret_manager_secret.registry[0].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:service-${data.google_project.main.number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
}

resource "google_artifact_registry_repository" "upstream" {
  count = var.registry_server != null ? 1 : 0

  location      = var.region
  repository_id = "${local.name}-upstream"
  description   = "Images of ${local.name} from ${var.registry_server}"
  format        = "DOCKER"
  mode          = "REMOTE_REPOSITORY"

  remote_repository_config {
    # The grant above may not have spread yet, and a failed try would stop the apply.
    disable_upstream_validation = true

    docker_repository {
      custom_repository {
        # Docker Hub's images are not where its name says.
        uri = "https://${var.registry_server == "docker.io" ? "registry-1.docker.io" : var.registry_server}"
      }
    }

    upstream_credentials {
      username_password_credentials {
        username                = var.registry_username
        password_secret_version = google_secret_manager_secret_version.registry[0].name
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.registry]
}

# GitHub Actions: the workflows of one repository, in one environment, may push an image, update the
# roles and run the migration. No key exists that could leak.

locals {
  deploys = var.github_repository != null
}

resource "google_artifact_registry_repository" "images" {
  count = local.deploys ? 1 : 0

  location      = var.region
  repository_id = "${local.name}-images"
  description   = "Images of ${local.name} that CI builds"
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }

  depends_on = [google_project_service.required]
}

resource "google_iam_workload_identity_pool" "github" {
  count = local.deploys ? 1 : 0

  workload_identity_pool_id = "${local.name}-github"
  display_name              = "GitHub Actions"

  depends_on = [google_project_service.required]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count = local.deploys ? 1 : 0

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"
  # Everybody on GitHub has tokens of this issuer: without the condition every repository would do.
  attribute_condition = "assertion.repository == '${var.github_repository}' && assertion.environment == '${var.github_environment}'"
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "ci" {
  count = local.deploys ? 1 : 0

  account_id   = "${local.name}-ci"
  display_name = "${var.project_name} ${var.environment}: GitHub Actions"

  depends_on = [google_project_service.required]
}

resource "google_service_account_iam_member" "github_is_ci" {
  count = local.deploys ? 1 : 0

  service_account_id = google_service_account.ci[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.repository/${var.github_repository}"
}

resource "google_artifact_registry_repository_iam_member" "ci" {
  count = local.deploys ? 1 : 0

  location   = google_artifact_registry_repository.images[0].location
  repository = google_artifact_registry_repository.images[0].name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.ci[0].member
}

# Who deploys an image must be able to read it.
resource "google_artifact_registry_repository_iam_member" "ci_upstream" {
  count = local.deploys && var.registry_server != null ? 1 : 0

  location   = google_artifact_registry_repository.upstream[0].location
  repository = google_artifact_registry_repository.upstream[0].name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.ci[0].member
}

resource "google_cloud_run_v2_service_iam_member" "ci" {
  for_each = toset(local.deploys ? local.services : [])

  name     = google_cloud_run_v2_service.role[each.key].name
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.ci[0].member
}

resource "google_cloud_run_v2_worker_pool_iam_member" "ci" {
  for_each = toset(local.deploys ? local.pools : [])

  name     = google_cloud_run_v2_worker_pool.role[each.key].name
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.ci[0].member
}

resource "google_cloud_run_v2_job_iam_member" "ci" {
  for_each = toset(local.deploys ? local.jobs : [])

  name     = google_cloud_run_v2_job.role[each.key].name
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.ci[0].member
}

# A deployment says whom the new revision runs as.
resource "google_service_account_iam_member" "ci_deploys_as_role" {
  for_each = toset(local.deploys ? local.roles : [])

  service_account_id = google_service_account.role[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.ci[0].member
}
