# Staging: as production, but one of everything, and it can be destroyed.

environment     = "staging"
project_name    = "shop"
region          = "westeurope"
subscription_id = "00000000-0000-0000-0000-000000000000"
operator_ranges = ["203.0.113.7/32"]

api_image    = "ghcr.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
web_image    = "ghcr.io/acme/shop-web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
worker_image = "ghcr.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"

registry_server   = "ghcr.io"
registry_username = "acme-reader"

app_public_url = "https://app.staging.example.com"
app_domain     = "app.staging.example.com"
api_domain     = "api.staging.example.com"
dns_zone       = "staging.example.com"

github_repository  = "acme/shop"
github_environment = "staging"
