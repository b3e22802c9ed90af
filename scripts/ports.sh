#!/usr/bin/env bash
# Fails with one sentence when a port that Seamline is about to listen on is taken. The addresses are the defaults, or
# what the environment or .env says.
set -euo pipefail
. "$(dirname "$0")/env.sh"

# setting NAME DEFAULT
setting() {
    local value=${!1:-}
    if [ -z "$value" ] && [ -f "$root/.env" ]; then
        value=$(sed -n "s/^$1=[\"']\{0,1\}\([^\"']*\).*/\1/p" "$root/.env" | tail -n 1)
    fi
    printf '%s\n' "${value:-$2}"
}

# expect_free NAME DEFAULT
expect_free() {
    local address host port
    address=$(setting "$1" "$2")
    host=${address%:*}
    port=${address##*:}
    if (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
        fail "Port $port is taken (another Seamline?): stop that program, or choose another address with $1=$host:PORT."
    fi
}

expect_free LEPTOS_SITE_ADDR 127.0.0.1:3000
# Without a key the local Amplitude is started too.
[ -n "$(setting AMPLITUDE_API_KEY '')" ] || expect_free AMPLITUDE_LOCAL_ADDR 127.0.0.1:12112
