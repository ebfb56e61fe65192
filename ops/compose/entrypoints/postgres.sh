#!/bin/sh
# Refuses to start Postgres without a password, then hands over to the image's own entrypoint.
set -eu

refuse() {
  echo "postgres: $1" >&2
  exit 78 # EX_CONFIG
}

file=${POSTGRES_PASSWORD_FILE:-/run/secrets/postgres_password}
[ -f "$file" ] || refuse "the secret postgres_password is missing: write the password to secrets/postgres_password"
[ -r "$file" ] || refuse "the secret postgres_password cannot be read by uid $(id -u): make that uid the owner of secrets/postgres_password"
[ -n "$(tr -d '[:space:]' <"$file")" ] || refuse "the secret postgres_password is blank: write the password to secrets/postgres_password"

exec docker-entrypoint.sh "$@"
