#!/usr/bin/env bash
# Runs the fuzz tests and prints their figures. The targets share the seconds equally. An input that fails is printed; add it
# to the corpus in its test.
# Usage: scripts/fuzz.sh [SECONDS] (3600)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

scripts/rust.sh
use_installed_tools
FUZZ_SECS=${1:-3600} cargo test --workspace --exclude frontend --no-fail-fast fuzz
