#!/usr/bin/env bash
# Installs what a verb needs and this machine lacks. Quick when nothing is missing.
# Usage: scripts/setup.sh run | build | test
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

case ${1:-} in
run | build)
    scripts/rust.sh
    scripts/browser-sdk.sh
    ;;
test)
    scripts/rust.sh
    scripts/browser-sdk.sh
    scripts/end2end-packages.sh
    scripts/chromium.sh
    scripts/postgres.sh install
    if [ -x scripts/sdk-clients.sh ]; then scripts/sdk-clients.sh; fi
    # The test of deploy/nginx.conf runs where nginx is. Installing it starts it, so a developer's machine is left alone.
    if [ "${CI:-}" = true ] && have apt-get; then scripts/apt.sh nginx-light; fi
    ;;
*) fail "Usage: scripts/setup.sh run | build | test" ;;
esac
