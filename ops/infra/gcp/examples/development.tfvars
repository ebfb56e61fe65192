# Development: the smallest that runs. No private registry, no zone, no CI; the records for the name
# are made by hand after the apply, and the certificate follows them.

environment  = "development"
project_name = "shop"
project_id   = "acme-shop-dev"
region       = "europe-west3"

api_image = "europe-west3-docker.pkg.dev/acme-shop-dev/shop/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
web_image = "europe-west3-docker.pkg.dev/acme-shop-dev/shop/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"

app_public_url = "https://app.dev.example.com"
app_domain     = "app.dev.example.com"

# This profile requires no secret of the application; these are made because they are named.
secret_names = ["AUTH_PASSWORD_PEPPER", "AUTH_SESSION_ENCRYPTION_KEY", "SECRET_KEY"]

db_instance_type = "db-g1-small"
db_storage_gib   = 20

api_max_instances = 2
web_max_instances = 2

api_env    = { LOG_LEVEL = "debug" }
worker_env = { LOG_LEVEL = "debug" }
