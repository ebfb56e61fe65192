# Secrets that this stack makes, one per variable, each readable by the roles that have it and by
# nobody else. Values are written only: the state never holds one.

locals {
  composed_secrets = {
    database_url = format(
      "postgresql://%s:%s@%s:%d/%s",
      var.db_admin_username,
      urlencode(var.db_admin_password),
      google_sql_database_instance.main.private_ip_address,
      local.contract.connections.postgres.port,
      google_sql_database.main.name,
    )
    redis_url = format(
      "rediss://:%s@%s:%s/0",
      urlencode(google_redis_instance.main.auth_string),
      google_redis_instance.main.host,
      google_redis_instance.main.port,
    )
  }
  secret_texts = merge(
    {
      for name in setsubtract(local.made_secrets, local.given_secrets) :
      name => local.composed_secrets[local.contract.variables[name].composed]
    },
    { for name in local.given_secrets : name => var.secret_values[name] },
  )

  # Role to variable to what Cloud Run calls the secret: its name (with its project, if that is
  # another) and the number of a version.
  secret_keys = {
    for role in local.roles : role => merge(
      {
        for name in local.made_for[role] : name => {
          secret  = google_secret_manager_secret.made[name].secret_id
          version = google_secret_manager_secret_version.made[name].version
        }
      },
      {
        for name, reference in local.given_for[role] : name => {
          secret  = trimprefix(split("/versions/", reference)[0], "projects/${var.project_id}/secrets/")
          version = split("/versions/", reference)[1]
        }
      },
    )
  }
  given_for = {
    for role in local.roles : role => {
      for name, reference in local.references[role] : name => reference
      if contains(keys(local.applying_to[role]), name)
    }
  }

  made_grants = merge([
    for role in local.roles : { for name in local.made_for[role] : "${role}/${name}" => { role = role, name = name } }
  ]...)
  given_grants = merge([
    for role in local.roles : {
      for name, reference in local.given_for[role] : "${role}/${name}" => {
        role   = role
        secret = split("/versions/", reference)[0]
      }
    }
  ]...)

  makes_signing_keys   = local.inputs.auth_key_storage_provider == "gcp_sm"
  makes_signing_secret = var.secrets_provider == "gcp_sm"
}

resource "google_secret_manager_secret" "made" {
  for_each = local.made_secrets

  secret_id           = "${local.name}-${each.key}"
  deletion_protection = local.protected

  replication {
    auto {}
  }

  depends_on = [google_project_service.required]
}

resource "google_secret_manager_secret_version" "made" {
  for_each = local.made_secrets

  secret                 = google_secret_manager_secret.made[each.key].id
  secret_data_wo         = local.secret_texts[each.key]
  secret_data_wo_version = var.secrets_version
  # The version before stays: revisions to roll back to refer to it by its number.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
    # What is written only is not compared: an instance made anew has another address.
    replace_triggered_by = [
      google_redis_instance.main.host,
      google_sql_database_instance.main.private_ip_address,
    ]
  }
}

resource "google_secret_manager_secret_iam_member" "made" {
  for_each = local.made_grants

  secret_id = google_secret_manager_secret.made[each.value.name].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.role[each.value.role].member
}

# The operator's own secrets, by reference.
resource "google_secret_manager_secret_iam_member" "given" {
  for_each = local.given_grants

  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.role[each.value.role].member
}

# Two empty containers, which the application or its operator fills: the keys that sessions are
# signed with, and the secret that tokens are. Api and worker read them by name.
resource "google_secret_manager_secret" "signing_keys" {
  count = local.makes_signing_keys ? 1 : 0

  secret_id           = var.auth_key_secret_name
  deletion_protection = local.protected

  replication {
    auto {}
  }

  depends_on = [google_project_service.required]
}

resource "google_secret_manager_secret_iam_member" "signing_keys" {
  for_each = toset(local.makes_signing_keys ? local.backend : [])

  secret_id = google_secret_manager_secret.signing_keys[0].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.role[each.key].member
}

resource "google_secret_manager_secret" "signing_secret" {
  count = local.makes_signing_secret ? 1 : 0

  secret_id           = "${local.name}-signing-secret"
  deletion_protection = local.protected

  replication {
    auto {}
  }

  depends_on = [google_project_service.required]
}

resource "google_secret_manager_secret_iam_member" "signing_secret" {
  for_each = toset(local.makes_signing_secret ? local.backend : [])

  secret_id = google_secret_manager_secret.signing_secret[0].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.role[each.key].member
}
