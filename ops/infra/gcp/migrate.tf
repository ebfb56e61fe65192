# Migrations: a Cloud Run job, defined here and run by a release (`invoke gcp.migrate`), never by apply.

resource "google_cloud_run_v2_job" "role" {
  for_each = toset(local.jobs)

  name     = "${local.name}-${each.key}"
  location = var.region
  # It holds no data.
  deletion_protection = false
  labels              = { role = each.key }

  template {
    task_count  = 1
    parallelism = 1

    template {
      # Once: a migration that failed half-way is for a person to look at.
      max_retries     = 0
      timeout         = "${local.contract.roles[each.key].timeout_seconds}s"
      service_account = google_service_account.role[each.key].email

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"

        network_interfaces {
          network    = google_compute_network.main.id
          subnetwork = google_compute_subnetwork.run.id
          tags       = ["${local.name}-${each.key}"]
        }
      }

      containers {
        image   = local.images[each.key]
        command = local.commands[each.key]
        args    = local.arguments[each.key]

        resources {
          limits = {
            cpu    = tostring(local.cpu[each.key])
            memory = "${local.memory_mib[each.key]}Mi"
          }
        }

        dynamic "env" {
          for_each = local.env[each.key]

          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.secret_keys[each.key]

          content {
            name = env.key

            value_source {
              secret_key_ref {
                secret  = env.value.secret
                version = env.value.version
              }
            }
          }
        }
      }
    }
  }

  lifecycle {
    # Who deployed last; says nothing about what runs.
    ignore_changes = [client, client_version]
  }

  # A job fails whose secrets cannot be read, or whose image cannot be pulled.
  depends_on = [
    google_artifact_registry_repository.upstream,
    google_secret_manager_secret_iam_member.given,
    google_secret_manager_secret_iam_member.made,
    google_secret_manager_secret_iam_member.signing_keys,
    google_secret_manager_secret_iam_member.signing_secret,
    google_sql_database.main,
    google_sql_user.main,
  ]
}
