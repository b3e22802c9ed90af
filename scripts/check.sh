#!/usr/bin/env bash
# Formatting, dependencies and lints. The server's crates and the front are linted apart, as they are built apart.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

# The directory and profile are those of cargo-leptos, so that build scripts and macros are shared with it.
front=(--package frontend --lib --target wasm32-unknown-unknown --profile wasm-dev --target-dir "${CARGO_TARGET_DIR:-target}/front")

lint() {
    cargo clippy --all-targets -- -D warnings
    # The production build: without the stand-ins and the lab.
    cargo clippy --package server --no-default-features -- -D warnings
    # With the export of traces, and its test.
    cargo clippy --package server --features otel --all-targets -- -D warnings
    cargo clippy "${front[@]}" -- -D warnings
}

# For CI: builds what `make test` runs. Fails if a crate has warnings.
lint_by_building() {
    local log
    log=$(mktemp)
    lint_while_building
    cargo test --workspace --exclude frontend --no-run 2>&1 | tee "$log"
    cargo build --package server --lib --no-default-features 2>&1 | tee -a "$log"
    cargo build --package server --lib --features otel 2>&1 | tee -a "$log"
    cargo build "${front[@]}" 2>&1 | tee -a "$log"
    ! grep -q 'generated [0-9]* warning' "$log" || fail "Rust or Clippy has warnings: they stand above."
}

scripts/rust.sh
use_installed_tools
cargo fmt --all --check
scripts/deny.sh
if [ "${CI:-}" = true ]; then lint_by_building; else lint; fi
if [ -d end2end/node_modules ]; then npm --prefix end2end run --silent types; fi
