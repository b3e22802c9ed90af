#!/usr/bin/env bash
# Node.js with npm: fetches the analytics SDK, and runs the browser tests. Where the system's is too old (Debian 12 has
# 18), a newer one comes from the npm registry, for Seamline alone. Does nothing when a new enough one is there.
# Usage: scripts/node.sh MAJOR_VERSION
set -euo pipefail
. "$(dirname "$0")/env.sh"

is_new_enough() { at_least "$1" "$(node --version 2>/dev/null | tr -d v || echo 0)"; }

if ! have node || ! have npm; then
    "$root/scripts/apt.sh" nodejs npm
fi
if ! is_new_enough "$1"; then
    say "Node.js here is older than $1: fetching a newer one for Seamline alone."
    mkdir -p "$private_node"
    within 300 npm install --prefix "$private_node" --no-audit --no-fund --loglevel=error node@22.23.3 npm@11.19.1 >&2 || true
    use_private_node
    is_new_enough "$1" || fail "Node.js $1 or newer is needed, and this is $(node --version): please install a newer one."
fi
