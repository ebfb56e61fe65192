"""Cloud blueprints, by what Terraform plans of them."""
