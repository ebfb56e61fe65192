#!/bin/sh
# Refuses to start Redis without a password, writes its configuration to memory (the password is in
# nobody's arguments), then hands over to the image's own entrypoint.
set -eu

refuse() {
  echo "redis: $1" >&2
  exit 78 # EX_CONFIG
}

file=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}
[ -f "$file" ] || refuse "the secret redis_password is missing: write the password to secrets/redis_password"
[ -r "$file" ] || refuse "the secret redis_password cannot be read by uid $(id -u): make that uid the owner of secrets/redis_password"
password=$(cat "$file")
[ -n "$(printf '%s' "$password" | tr -d '[:space:]')" ] || refuse "the secret redis_password is blank: write the password to secrets/redis_password"
case $password in
  *[[:cntrl:]]*) refuse "the secret redis_password holds a control character: write one line of text to secrets/redis_password" ;;
esac

config=${REDIS_CONFIG:-/run/redis/redis.conf}
umask 077
# Inside double quotes Redis knows the backslash, so both of these are escaped.
quoted=$(printf '%s' "$password" | sed 's/[\\"]/\\&/g')
cat >"$config" <<EOC
requirepass "$quoted"
dir ${REDIS_DATA:-/data}
appendonly yes
appendfsync everysec
save 3600 1
maxmemory ${REDIS_MAXMEMORY:-192mb}
maxmemory-policy noeviction
EOC
unset password quoted

exec docker-entrypoint.sh "$@" "$config"
