#!/bin/sh
# Refuses to start Redis without a password, writes its configuration to memory (the password is in
# nobody's arguments), mends what a power loss leaves of its log, then hands over to the image's own
# entrypoint.
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

data=${REDIS_DATA:-/data}
config=${REDIS_CONFIG:-/run/redis/redis.conf}
umask 077
# Inside double quotes Redis knows the backslash, so both of these are escaped.
quoted=$(printf '%s' "$password" | sed 's/[\\"]/\\&/g')
cat >"$config" <<EOC
requirepass "$quoted"
dir $data
appendonly yes
appendfsync everysec
save 3600 1
maxmemory ${REDIS_MAXMEMORY:-192mb}
maxmemory-policy noeviction
EOC
unset password quoted

# Whether the last $2 bytes of the file $1 are zeros.
zeros() {
  [ "$(tail -c "$2" "$1" | tr -d '\000' | wc -c)" -eq 0 ]
}

# Cuts the zeros off that a file ends with.
cut_zeros() {
  size=$(wc -c <"$1")
  some=0 # so many are zeros
  step=1
  while [ $((some + step)) -le "$size" ] && zeros "$1" $((some + step)); do
    some=$((some + step))
    step=$((step * 2))
  done
  while [ "$step" -gt 0 ]; do
    if [ $((some + step)) -le "$size" ] && zeros "$1" $((some + step)); then
      some=$((some + step))
    fi
    step=$((step / 2))
  done
  [ "$some" -gt 0 ] || return 0
  truncate -s $((size - some)) "$1"
  echo "redis: $some zeros, which a power loss leaves, were cut off the end of $1" >&2
}

# When the power fails, a file's length may be on the disk and its last page not: then it ends with
# zeros, and Redis, which only forgives an end that is missing, never starts again. No command ends
# with a zero, so nothing that was written is lost.
for log in "$data"/appendonlydir/*.incr.aof; do
  [ ! -s "$log" ] || cut_zeros "$log"
done

exec docker-entrypoint.sh "$@" "$config"
