# The worker: a Cloud Run worker pool, whose instances always run and have no address.

resource "google_cloud_run_v2_worker_pool" "role" {
  for_each = toset(local.pools)

  name     = "${local.name}-${each.key}"
  location = var.region
  # It holds no data.
  deletion_protection = false
  labels              = { role = each.key }

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = local.min_instances[each.key]
  }

  template {
    service_account = google_service_account.role[each.key].email

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = google_compute_network.main.id
        subnetwork = google_compute_subnetwork.run.id
        tags       = ["${local.name}-${each.key}"]
      }
    }

    # A worker pool has no health check by command: a worker that cannot go on must exit.
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

  lifecycle {
    # Who deployed last; says nothing about what runs.
    ignore_changes = [client, client_version]
  }

  # A revision fails whose secrets cannot be read, or whose image cannot be pulled.
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
