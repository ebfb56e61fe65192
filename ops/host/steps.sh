# shellcheck shell=sh
# Words that the steps of a plan are written in; hostwright.host.apply puts the steps below.
# The two locks of apply.sh (8 and 9) stay open here, so that they outlive a lost connection.
set -eu
work=$1
step=0
backups=/var/backups/hostwright

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

# put_directory MODE OWNER GROUP PATH
put_directory() {
    install -d -m "$1" -o "$2" -g "$3" -- "$4"
}

# put_file SOURCE MODE OWNER GROUP PATH CHECK: whole or not at all; CHECK gets the new file's path.
put_file() {
    fresh=$5.hostwright-new
    mkdir -p -- "$(dirname -- "$5")"
    install -m "$2" -o "$3" -g "$4" -- "$work/files/$1" "$fresh"
    if [ -n "$6" ] && ! $6 "$fresh"; then
        rm -f -- "$fresh"
        return 1
    fi
    keep "$5"
    mv -f -- "$fresh" "$5"
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

# keep PATH: a copy of a file that is about to be replaced, unless it is one of ours.
keep() {
    case $1 in /usr/local/*) return 0 ;; esac
    [ -f "$1" ] || return 0
    mkdir -p "$backups"
    cp -p -- "$1" "$backups/$(printf '%s' "$1" | tr / _)"
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

# apt_get ARGUMENTS: waits up to two minutes for another run of apt or dpkg.
apt_get() {
    tries=0
    until apt-get -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" >"$work/apt" 2>&1; do
        cat "$work/apt"
        tries=$((tries + 1))
        if [ "$tries" -ge 60 ] || ! grep -q 'Could not get lock' "$work/apt"; then return 100; fi
        sleep 2
    done
    cat "$work/apt"
}
