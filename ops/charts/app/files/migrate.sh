#!/bin/sh
# Migrates if anything is pending: sh -c SCRIPT migrate COUNT STATUS-COMMAND... UP-COMMAND...
#
# The first COUNT words are the command that prints JSON with `pending` and `ahead`. A Job may run
# again at any time, and beside an older or newer release: then there is nothing to do, and it ends well.
set -u

count=$1
shift
trap 'exit 143' TERM INT

# Runs the first COUNT of the words that follow: they go to the end, the others go.
status() {
  others=$(($# - count))
  kept=$count
  while [ "$kept" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    kept=$((kept - 1))
  done
  shift "$others"
  "$@"
}

# A status that fails is left to the migration itself, which says better what is wrong.
told=$(status "$@") || told=
# Without its spaces: tools write JSON as they like.
told=$(
  set -f
  for word in $told; do
    printf '%s' "$word"
  done
)

case $told in
  *'"pending":[]'*)
    echo "migrate: nothing is pending"
    exit 0
    ;;
  *'"ahead":true'*)
    echo "migrate: the schema is ahead of this image, and stays as it is"
    exit 0
    ;;
esac

# For whoever rolls back one day: which of these cannot be taken back is known only now.
[ -n "$told" ] && printf 'migrate: %s\n' "$told"
shift "$count"
trap - TERM INT
exec "$@"
