#!/bin/sh
# Puts sshd and the firewall back as they were before the last change. A timer runs it, unless a
# new login has proven in the meantime that nobody is locked out. Copies of the files as they were
# lie beside it; one that is missing did not exist. The lock keeps the copies there until the end.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
before=/run/hostwright/before
exec 9>/run/hostwright/revert.lock
flock 9
[ -d "$before" ] || exit 0

restore() {
    if [ -e "$before/$(basename "$1")" ]; then
        cp -p "$before/$(basename "$1")" "$1"
    else
        rm -f "$1"
    fi
}

restore /etc/ssh/sshd_config.d/10-hostwright.conf
systemctl reload ssh.service
restore /usr/local/lib/hostwright/firewall.nft
if [ -e /usr/local/lib/hostwright/firewall.nft ]; then
    /usr/local/lib/hostwright/firewall
else
    nft delete table inet hostwright
    systemctl disable --now hostwright-firewall.service
fi
rm -rf "$before"
