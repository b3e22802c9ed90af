#!/usr/bin/env bash
# Sets up, builds and serves the demo. `watch` rebuilds on every change.
# Usage: scripts/serve.sh serve | watch
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

# One's own keys and addresses. Only the demo reads them: the server takes its settings from the environment, and no test
# may reach a real project by a file that lies about.
if [ -f .env ]; then
    set -a
    . ./.env
    set +a
fi

# Without keys: local mode, also of a release build.
export SEAMLINE_LOCAL="${SEAMLINE_LOCAL:-1}"

scripts/ports.sh
scripts/setup.sh run
use_installed_tools
if [ ! -d "${CARGO_TARGET_DIR:-target}/front" ]; then
    say "The first build takes about 10 minutes on two cores; later ones take seconds."
fi
drop_compressed_assets
exec cargo leptos "$1"
