#!/bin/sh
# Does Redis answer PING? The password goes by environment, never by argument.
set -eu
REDISCLI_AUTH=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}")
export REDISCLI_AUTH
[ "$(redis-cli --no-auth-warning ping)" = PONG ]
