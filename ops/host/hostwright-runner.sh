#!/bin/sh
exec /usr/bin/python3 -I /usr/local/lib/hostwright/runner.pyz "$@"
