#!/usr/bin/env bash
# Node.js with npm: fetches the analytics SDK, and runs the browser tests. Does nothing when a new enough one is there.
# Usage: scripts/node.sh MAJOR_VERSION
set -euo pipefail
. "$(dirname "$0")/env.sh"

found() { node --version 2>/dev/null | tr -d v; }

if ! have node || ! have npm; then
    "$root/scripts/apt.sh" nodejs npm
fi
at_least "$1" "$(found || echo 0)" || fail "Node.js $1 or newer is needed, and this is $(found): please install a newer one."
