#!/usr/bin/env bash
# The SDKs of Amplitude and Stripe for Node.js and Python, for the tests that use them against the stand-ins
# (crates/*-local/tests/sdks). Does nothing when they are there.
set -euo pipefail
. "$(dirname "$0")/env.sh"

install_node_client() {
    cd "$1/node"
    # npm leaves nothing behind that says which lock file it installed, so a copy is kept beside the packages.
    local installed=node_modules/.installed-lock.json
    ! cmp -s package-lock.json $installed || return 0
    "$root/scripts/node.sh" 18
    say "Installing $2's Node SDK for the tests."
    within 300 npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
    cp package-lock.json $installed
}

# Debian keeps venv and pip in packages of their own; either will do.
make_environment() {
    python3 -m venv .venv >/dev/null 2>&1 && return
    rm -rf .venv
    have virtualenv && virtualenv --quiet .venv >&2 && return
    "$root/scripts/apt.sh" python3-venv
    python3 -m venv .venv
}

install_python_client() {
    cd "$1/python"
    local installed=.venv/.installed-requirements.txt
    ! cmp -s requirements.txt $installed || return 0
    have python3 || "$root/scripts/apt.sh" python3
    say "Installing $2's Python SDK for the tests."
    rm -rf .venv
    make_environment
    within 300 .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt >&2
    cp requirements.txt $installed
}

for vendor in Amplitude Stripe; do
    clients=$root/crates/${vendor,,}-local/tests/sdks
    (install_node_client "$clients" $vendor) || fail "$vendor's Node SDK could not be installed: npm's message stands above."
    (install_python_client "$clients" $vendor) || fail "$vendor's Python SDK could not be installed: pip's message stands above."
done
