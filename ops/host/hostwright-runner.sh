#!/bin/sh
exec /usr/bin/python3 -I -S /usr/local/lib/hostwright/runner.pyz "$@"
