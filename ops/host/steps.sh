# shellcheck shell=sh
# Words that the steps of a plan are written in; hostwright.host.apply puts the steps below.
# The two locks of apply.sh (8 and 9) stay open here, so that they outlive a lost connection.
set -eu
work=$1
step=0
backups=/var/backups/hostwright
uptime=/proc/uptime

begin() {
    step=$1
    printf '@hostwright begin %s\n' "$step"
}

done_with() {
    printf '@hostwright done %s\n' "$step"
    step=0
}

at_exit() {
    code=$?
    if [ "$code" -ne 0 ]; then printf '@hostwright failed %s %s\n' "$step" "$code"; fi
}
trap at_exit EXIT

# as_owner OWNER GROUP COMMAND…: with the rights of the owner and no others. A user may put a link
# in the place of anything in the own home at any moment; root would follow it to anywhere.
as_owner() {
    owner=$1 group=$2
    shift 2
    if [ "$owner" = "$(id -un)" ]; then
        "$@"
    else
        setpriv --reuid "$owner" --regid "$group" --clear-groups -- "$@" 8<&- 9>&-
    fi
}

# put_directory MODE OWNER GROUP PATH; root's part of it follows no link.
put_directory() {
    mkdir -p -- "$4"
    chown -h -- "$2:$3" "$4"
    as_owner "$2" "$3" chmod -- "$1" "$4"
}

# put_file SOURCE MODE OWNER GROUP PATH CHECK: whole or not at all; CHECK gets the new file's path.
put_file() {
    fresh=$5.hostwright-new
    mkdir -p -- "$(dirname -- "$5")"
    # shellcheck disable=SC2016 # for the shell that it starts
    as_owner "$3" "$4" sh -c 'umask 077 && rm -f -- "$2" && cat >"$2" && chmod -- "$1" "$2"' \
        sh "$2" "$fresh" <"$work/files/$1"
    if [ -n "$6" ] && ! $6 "$fresh"; then
        rm -f -- "$fresh"
        return 1
    fi
    keep "$3" "$4" "$5"
    as_owner "$3" "$4" mv -fT -- "$fresh" "$5"
}

# put_packed SOURCE …: the same from a gzip file. These are large: their sum is noted beside them,
# so that reading the facts need not take it every time.
put_packed() {
    gzip -dc -- "$work/files/$1" >"$work/unpacked"
    mv -f -- "$work/unpacked" "$work/files/$1"
    put_file "$@"
    sum=$(sha256sum -- "$5" | cut -d ' ' -f 1)
    # A hidden name: whatever is called docker-… beside a plugin is taken for a plugin by docker.
    printf '%s %s\n' "$sum" "$(stat -c '%.9Z %s' -- "$5")" >"${5%/*}/.${5##*/}.sha256"
}

# keep OWNER GROUP PATH: a copy of a file that is about to be replaced, for root alone; unless it is
# one of ours, or one that its owner could not use.
keep() {
    case $3 in /usr/local/*) return 0 ;; esac
    # shellcheck disable=SC2016
    as_owner "$1" "$2" sh -c '[ -f "$1" ] && [ -r "$1" ]' sh "$3" || return 0
    mkdir -p "$backups"
    (umask 077 && as_owner "$1" "$2" cat -- "$3" >"$backups/$(printf '%s' "$3" | tr / _)")
}

# add_user NAME SHELL: with a group of its own, be it there already or not. "*" is no password, but
# not a locked account: sshd refuses those where it does without PAM.
add_user() {
    set -- "$1" "$2" --user-group
    if getent group "$1" >/dev/null; then set -- "$1" "$2" --gid "$1"; fi
    name=$1 shell=$2
    shift 2
    useradd --create-home --home-dir "/home/$name" --shell "$shell" --password '*' "$@" "$name"
}

# keep_running UNIT…: now and after a boot; enabling reloads all of systemd, so not without need.
keep_running() {
    for unit in "$@"; do
        systemctl -q is-enabled "$unit" && systemctl -q is-active "$unit" && continue
        systemctl -q enable --now "$unit"
    done
}

# apt_get ARGUMENTS: waits up to two minutes for another run of apt or dpkg. Apt itself waits for
# some of its locks, and says so; for the others it is run again.
apt_get() {
    last=$(($(seconds) + 120))
    left=120
    until apt-get -q -o "DPkg::Lock::Timeout=$left" -o Dpkg::Use-Pty=0 "$@" >"$work/apt" 2>&1; do
        cat "$work/apt"
        grep -q 'E: Could not get lock' "$work/apt" || return 100
        sleep 2
        left=$((last - $(seconds)))
        if [ "$left" -le 0 ]; then return 100; fi
    done
    cat "$work/apt"
}

# seconds: since the host was booted; its clock may be put right meanwhile.
seconds() {
    read -r now _ <"$uptime"
    printf '%s\n' "${now%.*}"
}
