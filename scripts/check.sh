#!/usr/bin/env bash
# Formatting and lints. The server's crates and the front are linted apart, as they are built apart.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

scripts/rust.sh
use_installed_tools
cargo fmt --all --check
cargo clippy --all-targets -- -D warnings
# In the directory and profile that cargo-leptos uses, so that build scripts and macros are shared with it.
cargo clippy --package frontend --lib --target wasm32-unknown-unknown --profile wasm-dev \
    --target-dir "${CARGO_TARGET_DIR:-target}/front" -- -D warnings
if [ -d end2end/node_modules ]; then npm --prefix end2end run --silent types; fi
