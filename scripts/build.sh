#!/usr/bin/env bash
# The release build: an optimised server and a front made small by wasm-opt. FEATURES are the server's Cargo features; unset:
# its default ones, which include the stand-ins (`local`). Empty: the production build.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

server=()
[ -z "${FEATURES+set}" ] || server=(--bin-cargo-args=--no-default-features --bin-features="$FEATURES")

scripts/setup.sh build
use_installed_tools
exec scripts/wasm-opt.sh cargo leptos build --release --precompress "${server[@]}"
