#!/usr/bin/env bash
# Measures what the design promises. Benchmarks are commands, never timed tests.
# Usage: scripts/bench.sh ARGUMENT… (those of the bench command)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

scripts/rust.sh
use_installed_tools
# Without the flags of development builds in .cargo/config.toml.
RUSTFLAGS='' exec cargo run --release --package server --bin bench -- "$@"
