#!/usr/bin/env bash
# A throw-away Postgres for tests: its own cluster in a directory of its own, on a free port of the loopback address,
# with a random password. It is as unsafe as it is quick (no fsync) and never runs as root.
# Usage: scripts/postgres.sh install | start DIRECTORY (prints the URL) | stop DIRECTORY (removes it)
# The directory must not exist yet, and when root starts it, its parents must be open to other users.
set -euo pipefail
. "$(dirname "$0")/env.sh"

# Prints the directory of initdb and pg_ctl. Debian keeps them off the path, one directory for each major version.
binaries() {
    local newest
    newest=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || true
    newest=${newest:-$(command -v initdb)} || return 1
    dirname "$newest"
}

# Debian's package would make and start a cluster of its own; that is switched off while it is being installed.
install_server() {
    ! binaries >/dev/null || return 0
    "$root/scripts/apt.sh" postgresql-common
    settings=/etc/postgresql-common/createcluster.conf
    as_root cp "$settings" "$settings.before-seamline"
    trap 'as_root mv "$settings.before-seamline" "$settings"' EXIT
    echo 'create_main_cluster = false' | as_root tee -a "$settings" >/dev/null
    "$root/scripts/apt.sh" postgresql
}

# Postgres refuses to run as root.
unprivileged() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif id postgres >/dev/null 2>&1; then
        runuser -u postgres -- "$@"
    else
        runuser -u nobody -- "$@"
    fi
}

start() {
    local directory=$1 programs password port
    programs=$(binaries) || fail "There is no initdb: scripts/postgres.sh install"
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    mkdir -m 700 "$directory"
    printf '%s\n' "$password" >"$directory/password"
    [ "$(id -u)" != 0 ] || chown -R "$(unprivileged id -u)" "$directory"
    cd "$directory"
    unprivileged "$programs/initdb" --pgdata=data --username=seamline --pwfile=password --auth=scram-sha-256 \
        --encoding=UTF8 --no-locale --no-sync >initdb.log 2>&1 || fail "initdb failed: $(tail -n 3 initdb.log)"
    cat >>data/postgresql.conf <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
SETTINGS
    # The bind itself shows whether a port is free. Below 32768, where systems do not hand out ports by themselves.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 12000))
        if unprivileged "$programs/pg_ctl" start --pgdata=data --wait --timeout=60 --silent --log=server.log \
            --options="-p $port" >pg_ctl.log 2>&1 </dev/null; then
            printf 'postgres://seamline:%s@127.0.0.1:%s/postgres\n' "$password" "$port"
            return
        fi
    done
    fail "Postgres did not start: $(tail -n 3 server.log)"
}

stop() {
    local directory=$1
    [ -d "$directory/data" ] || return 0
    (cd "$directory" && unprivileged "$(binaries)/pg_ctl" stop --pgdata=data --mode=immediate --silent) || true
    rm -rf "$directory"
}

case ${1:-} in
install) install_server ;;
start | stop) "$1" "${2:?the directory of the cluster}" ;;
*) fail "Usage: scripts/postgres.sh install | start DIRECTORY | stop DIRECTORY" ;;
esac
