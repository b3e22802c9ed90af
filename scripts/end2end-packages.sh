#!/usr/bin/env bash
# The npm packages of the browser tests, as their lock file says. Does nothing when they are there.
set -euo pipefail
. "$(dirname "$0")/env.sh"
"$root/scripts/node.sh" 20
cd "$root/end2end"

# npm leaves nothing behind that says which lock file it installed, so a copy is kept beside the packages.
installed=node_modules/.installed-lock.json
! cmp -s package-lock.json $installed || exit 0
say "Installing the packages of the browser tests."
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 within 600 npm ci --no-audit --no-fund --loglevel=error >&2
cp package-lock.json $installed
