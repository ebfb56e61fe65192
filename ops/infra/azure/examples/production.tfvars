# Production: two of each service, a standby of each store, nothing that holds data can be destroyed
# by mistake. Everything that is not here has a default; secrets come from an env file (hosting-azure.md).

environment     = "production"
project_name    = "shop"
region          = "westeurope" # with availability zones
subscription_id = "00000000-0000-0000-0000-000000000000"
operator_ranges = ["203.0.113.7/32"]

api_image    = "ghcr.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
web_image    = "ghcr.io/acme/shop-web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
worker_image = "ghcr.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"

# The images are private: each role reads the token from the vault.
registry_server   = "ghcr.io"
registry_username = "acme-reader"

app_public_url = "https://app.example.com"
app_domain     = "app.example.com"
api_domain     = "api.example.com"
dns_zone       = "example.com"

db_size                  = "medium"
db_storage_gib           = 128
db_backup_retention_days = 30
redis_size               = "medium"
api_max_instances        = 10
worker_max_instances     = 2
log_retention_days       = 90

github_repository  = "acme/shop"
github_environment = "production"
