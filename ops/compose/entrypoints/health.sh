#!/bin/sh
# health.sh PORT PATH: does this container's own server answer below 400?
#
# Roles are anybody's images, so the question is put with whatever tool the image has. With none of
# them, a listening port has to do.
set -eu
port=$1
url="http://127.0.0.1:$port$2"
# A proxy meant for the world would be asked about this container's loopback.
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY

if command -v curl >/dev/null; then
  exec curl --fail --silent --output /dev/null --max-time 4 "$url"
fi
if command -v wget >/dev/null; then
  exec wget -q -T 4 -O /dev/null "$url"
fi
if command -v python3 >/dev/null; then
  exec python3 -I -S -c '
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=4)
except (OSError, urllib.error.URLError):
    sys.exit(1)
' "$url"
fi
if command -v node >/dev/null; then
  exec node -e '
fetch(process.argv[1], {signal: AbortSignal.timeout(4000)})
  .then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))
' "$url"
fi
# 0A is LISTEN; the address before the port is hexadecimal, too.
exec grep -Eqs "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$port") [0-9A-F]+:0000 0A " \
  /proc/net/tcp /proc/net/tcp6
