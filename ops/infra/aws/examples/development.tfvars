# Development: the smallest that runs. No private registry, no zone, no CI; the records for the name
# are made by hand after the first apply, and a second one with dns_records_exist opens the way in.

environment  = "development"
project_name = "shop"
region       = "eu-central-1"

api_image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"
web_image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"

app_public_url = "https://app.dev.example.com"
app_domain     = "app.dev.example.com"

# An account has one secret of a name: another installation in it needs another.
auth_key_secret_name = "shop-development-signing-keys"

# This profile requires no secret of the application; these are made because they are named.
secret_names = ["AUTH_PASSWORD_PEPPER", "AUTH_SESSION_ENCRYPTION_KEY", "SECRET_KEY"]

db_instance_type    = "db.t4g.micro"
db_storage_gib      = 20
redis_instance_type = "cache.t4g.micro"

# Both twice at a release: what db.t4g.micro has connections for.
api_max_instances = 2
web_max_instances = 2

api_env    = { LOG_LEVEL = "debug" }
worker_env = { LOG_LEVEL = "debug" }
