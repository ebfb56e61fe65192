#!/bin/sh
# Asks every URL until it answers with success, for a minute each: sh -c SCRIPT ready URL...
set -u
trap 'exit 143' TERM INT

# The image's own way to ask: applications bring one of these.
get() {
  if command -v curl >/dev/null; then
    curl --silent --show-error --fail --max-time 10 "$1"
  elif command -v wget >/dev/null; then
    wget -q -T 10 -O - "$1"
  elif command -v python3 >/dev/null; then
    python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).status)' "$1"
  elif command -v node >/dev/null; then
    node -e 'fetch(process.argv[1]).then(r => { console.log(r.status); process.exit(r.ok ? 0 : 1) })' "$1"
  else
    echo "the image has neither curl nor wget, python3 or node"
    return 1
  fi
}

for url; do
  tries=1
  until told=$(get "$url" 2>&1); do
    if [ "$tries" -ge 30 ]; then
      printf 'ready: %s is not ready: %s\n' "$url" "${told:-no success}" >&2
      exit 1
    fi
    tries=$((tries + 1))
    sleep 2
  done
  echo "ready: $url"
done
