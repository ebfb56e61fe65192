# Development: the smallest that runs. No private registry, no zone, no CI; the records for the name
# are made by hand after the first apply, and the certificate comes with the second (hosting-azure.md).

environment     = "development"
project_name    = "shop"
region          = "westeurope"
subscription_id = "00000000-0000-0000-0000-000000000000"
operator_ranges = ["203.0.113.7/32"] # where you sit: curl https://ifconfig.me

api_image = "docker.io/acme/shop-api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
web_image = "docker.io/acme/shop-web@sha256:0000000000000000000000000000000000000000000000000000000000000000"

app_public_url = "https://app.dev.example.com"
app_domain     = "app.dev.example.com"

# This profile requires no secret of the application; these are made because they are named.
secret_names = ["AUTH_PASSWORD_PEPPER", "AUTH_SESSION_ENCRYPTION_KEY", "SECRET_KEY"]

db_instance_type = "B_Standard_B2s"

api_max_instances = 2
web_max_instances = 2

api_env    = { LOG_LEVEL = "debug" }
worker_env = { LOG_LEVEL = "debug" }
