#!/bin/sh
# Waits until the schema fits: sh -c SCRIPT gate SECONDS STATUS-COMMAND...
#
# The command prints JSON with `pending` and `ahead`. A schema that is ahead of this image fits as
# well: after a rollback the older release meets it, and would wait for ever. Needs `sleep`, and /tmp.
set -u

limit=$1
shift
out=/tmp/migrated.out
err=/tmp/migrated.err
said=

# Sends signal $2 to process $3 in $1 seconds, second by second: who ends it leaves no long sleep.
later() {
  (
    left=$1
    while [ "$left" -gt 0 ]; do
      sleep 1
      left=$((left - 1))
    done
    kill "-$2" "$3"
  ) >/dev/null 2>&1 &
}

# Runs the command, for half a minute at most: what hangs is asked anew.
ask() {
  "$@" >"$out" 2>"$err" &
  asked=$!
  later 30 KILL "$asked"
  patience=$!
  wait "$asked"
  code=$?
  kill "$patience" 2>/dev/null
  wait "$patience" 2>/dev/null
  return "$code"
}

# The answer without its spaces: tools write JSON as they like.
answer() {
  while read -r line || [ -n "$line" ]; do
    set -f
    for word in $line; do
      printf '%s' "$word"
    done
  done <"$out"
}

# Says what is waited for once, and again only when it is something else.
say() {
  if [ "$1" != "$said" ]; then
    echo "migrated: $1"
    said=$1
    return 0
  fi
  return 1
}

# The first process of a container has no default for signals: without this it would not stop.
trap 'exit 143' TERM INT
trap 'echo "migrated: gave up after $limit seconds; see the log of the migrate job"; exit 1' USR1
later "$limit" USR1 $$
timer=$!
trap 'kill "$timer" 2>/dev/null' EXIT

while :; do
  if ask "$@"; then
    told=$(answer)
    case $told in
      *'"pending":[]'*)
        echo "migrated: nothing is pending"
        exit 0
        ;;
      *'"ahead":true'*)
        echo "migrated: the schema is ahead of this image"
        exit 0
        ;;
      *'"pending":['*)
        list=${told#*'"pending":['}
        say "waiting for the migration of ${list%%]*}"
        ;;
      *)
        say "waiting: the status command printed no JSON with pending"
        ;;
    esac
  elif say "waiting: the status command failed with exit code $code"; then
    while read -r line || [ -n "$line" ]; do
      printf '%s\n' "$line"
    done <"$err" >&2
  fi
  sleep 2
done
