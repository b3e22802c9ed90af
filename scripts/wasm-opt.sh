#!/usr/bin/env bash
# Runs a command with wasm-opt on its path, which release builds of the front need: the system's, or the one in the
# npm package binaryen.
# Usage: scripts/wasm-opt.sh COMMAND…
set -euo pipefail
. "$(dirname "$0")/env.sh"

! have wasm-opt || exec "$@"
"$root/scripts/node.sh" 18
exec npm exec --yes --package=binaryen@132.0.0 -- "$@"
