#!/usr/bin/env bash
# The release build: an optimised server and a front made small by wasm-opt.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

scripts/setup.sh build
use_installed_tools
exec scripts/wasm-opt.sh cargo leptos build --release --precompress
