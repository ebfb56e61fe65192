# Api and web: Cloud Run services behind the load balancer of edge.tf.

resource "google_cloud_run_v2_service" "role" {
  for_each = toset(local.services)

  name     = "${local.name}-${each.key}"
  location = var.region
  # The api without a public name takes requests from this network alone.
  ingress = contains(keys(local.hosts), each.key) ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  # Browsers have no Google identity, and web's server shows none to the api: the network decides
  # who gets here. Unlike run.invoker for allUsers it needs no exception from domain-restricted sharing.
  invoker_iam_disabled = true
  # Web is reached through the load balancer only; the api also by its own address, from the network.
  default_uri_disabled = each.key == "web"
  # It holds no data.
  deletion_protection = false
  labels              = { role = each.key }

  # Of all revisions together, so that a deployment does not double the connections to the database.
  scaling {
    min_instance_count = local.min_instances[each.key]
    max_instance_count = local.max_instances[each.key]
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  template {
    service_account       = google_service_account.role[each.key].email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      max_instance_count = local.max_instances[each.key]
    }

    vpc_access {
      # What is not private leaves directly, without a NAT and its slow first connections.
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

      ports {
        # Cloud Run passes it on as PORT.
        container_port = local.contract.roles[each.key].port
      }

      resources {
        limits = {
          cpu    = tostring(local.cpu[each.key])
          memory = "${local.memory_mib[each.key]}Mi"
        }
        # Connections and timers go on between requests.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      # What kills asks for life alone: an outage of a store must not restart every instance, and
      # the first deployment starts before the database is migrated.
      startup_probe {
        period_seconds    = 5
        timeout_seconds   = 5
        failure_threshold = ceil(local.contract.roles[each.key].start_seconds / 5)

        http_get {
          path = local.contract.roles[each.key].health.live
        }
      }

      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 3

        http_get {
          path = local.contract.roles[each.key].health.live
        }
      }

      # What only gates asks for every dependency.
      readiness_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 3
        success_threshold = 1

        http_get {
          path = local.contract.roles[each.key].health.ready
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

# Logs are kept here as long as asked for. The project's own bucket is left as it is: it may serve
# others, and holds a copy for its own 30 days.
resource "google_logging_project_bucket_config" "logs" {
  project        = var.project_id
  location       = var.region
  bucket_id      = local.name
  description    = "Logs of ${local.name}"
  retention_days = var.log_retention_days

  depends_on = [google_project_service.required]
}

resource "google_logging_project_sink" "logs" {
  name        = local.name
  description = "Logs of ${local.name}"
  destination = "logging.googleapis.com/${google_logging_project_bucket_config.logs.id}"
  filter = join(" OR ", [
    "resource.labels.service_name=~\"^${local.name}-\"",
    "resource.labels.worker_pool_name=~\"^${local.name}-\"",
    "resource.labels.job_name=~\"^${local.name}-\"",
    "resource.labels.backend_service_name=~\"^${local.name}-\"",
    "resource.labels.database_id=\"${var.project_id}:${local.name}\"",
    "resource.labels.instance_id=\"${google_redis_instance.main.id}\"",
  ])
  unique_writer_identity = true
}
