# Staging: as production, but one of everything, and it can be destroyed.

environment  = "staging"
project_name = "shop"
region       = "eu-central-1"

api_image    = "ghcr.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
web_image    = "ghcr.io/acme/shop-web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
worker_image = "ghcr.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"

registry_server   = "ghcr.io"
registry_username = "acme-reader"

app_public_url = "https://app.staging.example.com"
app_domain     = "app.staging.example.com"
dns_zone       = "staging.example.com"

auth_key_secret_name = "shop-staging-signing-keys"

github_repository  = "acme/shop"
github_environment = "staging"
