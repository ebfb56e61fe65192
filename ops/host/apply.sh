#!/bin/sh
# Runs the steps of a provisioning plan: steps.sh beside this file, written by hostwright.host.apply.
#
# The steps run in a session of their own with their output in a file, so that a lost SSH
# connection neither stops them half way nor blocks them; this shell only follows that file.
# Exit codes: 0, 75 when another provisioning or a release is under way, else that of the step.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
NEEDRESTART_SUSPEND=1
export PATH LC_ALL DEBIAN_FRONTEND NEEDRESTART_SUSPEND
umask 022

work=$1
application_lock=$2

busy() {
    rm -rf "$work"
    exit 75
}

# Not in /run/lock, where anybody could make the file first, or hold it.
mkdir -p /run/hostwright
exec 9>/run/hostwright/provision.lock
flock -n 9 || busy
if [ -e "$application_lock" ]; then
    exec 8<"$application_lock"
    flock -n 8 || busy
fi

: >"$work/log"
setsid sh "$work/steps.sh" "$work" >"$work/log" 2>&1 </dev/null &
steps=$!
tail -n +1 -s 0.05 -f --pid="$steps" "$work/log"
wait "$steps"
code=$?
rm -rf "$work"
exit "$code"
