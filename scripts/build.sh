#!/usr/bin/env bash
# The release build: an optimised server and a front made small by wasm-opt. FEATURES are the server's Cargo features; unset:
# its default ones, which include the stand-ins (`local`). Empty: the production build.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

server=()
[ -z "${FEATURES+set}" ] || server=(--no-default-features --features "$FEATURES")

scripts/setup.sh build
use_installed_tools

# Both at once: they share no build directory, and the end of the front's build, the optimisation of all crates as one, uses one
# core. cargo-leptos would build the server after it. Each is a process group, so that a failure or Ctrl-C ends its compilers too.
set -m
scripts/wasm-opt.sh cargo leptos build --release --precompress --frontend-only </dev/null &
front=$!
cargo build --release --package server --bin seamline "${server[@]}" </dev/null &
binary=$!
set +m
trap 'kill -- "-$front" "-$binary" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
wait "$binary"
wait "$front"
