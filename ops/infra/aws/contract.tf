# What the env contract says each role gets. This file is the same on all three clouds; it reads
# contract.json, which `invoke contract.export` writes, so a new literal, input, setting or secret
# needs no edit here. What only this cloud knows comes from locals.tf:
#   composed           name to value, for what is the same in every role
#   composed_by_role   name to role to value
#   secret_references  secret that this stack makes to what a container refers to it by

locals {
  contract = jsondecode(file("${path.module}/contract.json"))
  roles    = keys(local.contract.roles)

  # The canonical inputs that variables are taken from, by name.
  inputs = {
    project_name              = var.project_name
    environment               = var.environment
    region                    = var.region
    app_public_url            = var.app_public_url
    app_domain                = var.app_domain
    api_domain                = var.api_domain
    secrets_provider          = var.secrets_provider
    auth_key_storage_provider = coalesce(var.auth_key_storage_provider, var.secrets_provider)
    auth_key_secret_name      = var.auth_key_secret_name
    storage_provider          = var.storage_provider
    storage_bucket_name       = var.storage_bucket_name
    db_name                   = var.db_name
    db_admin_username         = var.db_admin_username
  }

  # What the operator gives each role. The migrate role runs the worker's image and gets its values.
  given      = { api = var.api_env, web = var.web_env, worker = var.worker_env, migrate = var.worker_env }
  references = { api = var.api_secrets, web = var.web_secrets, worker = var.worker_secrets, migrate = var.worker_secrets }

  # Variables whose condition holds: a condition asks for values that are known before any plan.
  deciding = {
    for name, item in local.contract.variables : name => (
      item.source == "input" ? local.inputs[item.input] : try(tostring(item.literal), "")
    ) if contains(["input", "literal"], item.source)
  }
  applying = {
    for name, item in local.contract.variables : name => item if anytrue([
      for condition in try(item.when, [{}]) : alltrue([
        for other, values in condition : contains(values, lookup(local.deciding, other, ""))
      ])
    ])
  }
  applying_to = {
    for role in local.roles : role => {
      for name, item in local.applying : name => item
      if contains(item.roles, role) && contains(local.roles, try(item.needs_role, role))
    }
  }

  # What the operator may set in a role's map: whatever else it holds is refused (variables.tf).
  readers = { api = ["api"], web = ["web"], worker = ["worker", "migrate"] }
  settable = {
    for role, readers in local.readers : role => [
      for name, item in local.contract.variables : name
      if item.source == "operator" && !item.secret && length(setintersection(item.roles, readers)) > 0
    ]
  }
  referable = {
    for role, readers in local.readers : role => [
      for name, item in local.contract.variables : name
      if item.source == "operator" && item.secret && length(setintersection(item.roles, readers)) > 0
    ]
  }

  # Role to variable to value, without secrets. Only what an operator or an input may leave out is
  # asked whether it is there: a composed value may be unknown until apply, its name never is.
  plain = {
    for role in local.roles : role => {
      for name, item in local.applying_to[role] : name => item if !item.secret
    }
  }
  optional = {
    for role in local.roles : role => {
      for name, item in local.plain[role] : name => (
        item.source == "input"
        ? local.inputs[item.input]
        : lookup(local.given[role], name, try(item.default, null))
      ) if contains(["input", "operator"], item.source)
    }
  }
  env = {
    for role in local.roles : role => merge(
      { for name, value in local.optional[role] : name => value if value != null },
      {
        for name, item in local.plain[role] : name => try(item.literal[role], tostring(item.literal))
        if item.source == "literal"
      },
      {
        for name, item in local.plain[role] : name => local.composed_by_role[item.composed][role]
        if item.source == "composed" && contains(keys(local.composed_by_role), try(item.composed, ""))
      },
      {
        for name, item in local.plain[role] : name => local.composed[item.composed]
        if item.source == "composed" && !contains(keys(local.composed_by_role), try(item.composed, ""))
      },
    )
  }

  # Role to secret to what the container refers to it by: the operator's own reference, or a secret
  # that this stack makes (all that are composed, required by the profile, or named).
  made_for = {
    for role in local.roles : role => [
      for name, item in local.applying_to[role] : name
      if item.secret && !contains(keys(local.references[role]), name) && (
        item.source == "composed" || contains(item.required, var.environment) || contains(var.secret_names, name)
      )
    ]
  }
  made_secrets  = toset(flatten(values(local.made_for)))
  given_secrets = toset([for name in local.made_secrets : name if local.contract.variables[name].source == "operator"])
  secrets = {
    for role in local.roles : role => merge(
      {
        for name, item in local.applying_to[role] : name => local.references[role][name]
        if item.secret && contains(keys(local.references[role]), name)
      },
      { for name in local.made_for[role] : name => local.secret_references[name] },
    )
  }

  # Role to required variables without a value: empty, or the plan stops (outputs.tf).
  missing = {
    for role in local.roles : role => [
      for name, value in local.optional[role] : name
      if value == null && contains(local.plain[role][name].required, var.environment)
    ]
  }
}
