#!/bin/sh
# Everything a provisioning plan needs to know, read in one go and changed by nothing.
#
# Prints sections: a line "[name]", then the raw output of a standard tool; hostwright.host.facts
# parses them. What is sent to a host has five lists above this text, separated by spaces: hw_users,
# hw_paths, hw_packages, hw_units and hw_sysctls. The first argument is the caller's SSH_CONNECTION.
# Runs as root with /bin/sh; a tool that is missing leaves its section empty.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

section() { printf '[%s]\n' "$1"; }

identity() {
    section os
    cat /etc/os-release
    section arch
    dpkg --print-architecture || uname -m
    section kernel
    uname -r
    section virtualization
    systemd-detect-virt
    section python
    python3 -V
    section clock
    date +%s.%N
}

users() {
    section users
    # shellcheck disable=SC2086 # a list of words
    getent passwd ${hw_users:-}
    section passwords # only whether one can be used, never what is stored
    # shellcheck disable=SC2086
    getent shadow ${hw_users:-} | while IFS=: read -r name stored _; do
        case $stored in
        '!'* | '*'*) printf '%s locked\n' "$name" ;;
        *) printf '%s usable\n' "$name" ;;
        esac
    done
    section memberships
    for name in ${hw_users:-}; do
        id -Gn "$name" | sed "s/^/$name /"
    done
}

files() {
    section paths
    # shellcheck disable=SC2086
    stat -c '%f %U %G %n' ${hw_paths:-/}
    section sums
    set --
    for path in ${hw_paths:-}; do
        if [ -f "$path" ] && [ ! -L "$path" ] && ! noted "$path"; then set -- "$@" "$path"; fi
    done
    if [ $# -gt 0 ]; then sha256sum -- "$@"; fi
}

# noted PATH: prints the sum that was noted when provisioning wrote this (large) file, if nothing
# has touched it since: no write and no chmod leaves the time of the last status change alone.
# Only where root alone writes: anywhere else the note could be its owner's own.
noted() {
    case $1 in
    /usr/local/*) ;;
    *) return 1 ;;
    esac
    note=${1%/*}/.${1##*/}.sha256
    [ -f "$note" ] || return 1
    read -r sum changed size <"$note"
    [ "$changed $size" = "$(stat -c '%.9Z %s' -- "$1")" ] || return 1
    printf '%s  %s\n' "$sum" "$1"
}

software() {
    section packages
    # shellcheck disable=SC2086
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' ${hw_packages:-}
    section units
    # shellcheck disable=SC2086
    systemctl show -p Id,LoadState,ActiveState,UnitFileState -- ${hw_units:-}
    section reboot
    if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo required; fi
}

resources() {
    section sysctls # their names are written with slashes
    cd /proc/sys || return
    # shellcheck disable=SC2086
    grep -sH . ${hw_sysctls:-}
    section writable
    for name in ${hw_sysctls:-}; do
        if [ -w "$name" ]; then printf '%s\n' "$name"; fi
    done
    cd /
    section memory
    grep -E '^(MemTotal|MemAvailable|SwapTotal):' /proc/meminfo
    section swaps
    tail -n +2 /proc/swaps
    section disk
    df -PkT /var/lib | tail -n 1
    section apparmor
    cat /sys/module/apparmor/parameters/enabled
}

network() {
    section sshd
    sshd -T
    section connection
    printf '%s\n' "$1"
    section firewall
    if rules=$(nft -s list table inet hostwright); then
        printf '%s\n' "$rules" | sha256sum | cut -d ' ' -f 1
        cat /run/hostwright/firewall.sha256
    fi
    section rivals
    grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf && echo ufw
    section listeners
    ss -Hltnup 'sport = :80 or sport = :443'
    section addresses
    ip -o addr show scope global
}

main() {
    identity
    users
    files
    software
    resources
    network "${1:-${SSH_CONNECTION:-}}"
    section end
}

main "$@" 2>/dev/null </dev/null
exit 0
