#!/usr/bin/env bash
# Sets up, then runs the Rust tests on SQLite and Postgres and the browser tests against servers of their own, and says
# how long each step took. A failed part does not keep the other from running; any failure is the script's.
# Usage: scripts/test.sh [rust] [browser] (both when neither is named)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

parts=" ${*:-rust browser} "
# In /tmp and open to passers-by, because a Postgres started by root runs below it as another user.
scratch=$(mktemp -d /tmp/seamline-test.XXXXXX)
chmod 711 "$scratch"
report=()
passed=0
failed=0

clean_up() {
    [ ! -d "$scratch/postgres" ] || scripts/postgres.sh stop "$scratch/postgres"
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# step NAME COMMAND…: runs it, notes outcome and seconds, and passes its failure on.
step() {
    local name=$1 started=$SECONDS outcome=passed
    shift
    say "$name …"
    "$@" || outcome=FAILED
    report+=("$(printf '%-16s %s in %d s' "$name" "$outcome" $((SECONDS - started)))")
    if [ $outcome = passed ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        return 1
    fi
}

set_up() { scripts/setup.sh test && use_installed_tools && lint_while_building; }

start_postgres() {
    [ -z "${TEST_POSTGRES_URL:-}" ] || return 0
    TEST_POSTGRES_URL=$(scripts/postgres.sh start "$scratch/postgres") || return 1
    export TEST_POSTGRES_URL
}

# The front is never built natively together with the rest: cargo would unify `hydrate` into the server's `app`.
# The fuzz tests get one minute in all.
rust_tests() { FUZZ_SECS=${FUZZ_SECS:-60} cargo test --workspace --exclude frontend --no-fail-fast; }

# Each of the two Playwright workers starts a server of its own, with free ports, an empty data directory and no key of a
# real project (end2end/fixtures/server.ts): so neither a running demo nor another run is disturbed.
browser_tests() {
    drop_compressed_assets
    cargo leptos build || return 1
    (cd end2end && RUST_LOG=${RUST_LOG:-warn} npx playwright test --workers 2)
}

summarise() {
    printf '\n'
    printf '%s\n' "${report[@]}"
    printf 'steps: %d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

if ! step 'Set-up' set_up; then
    summarise
    exit 1
fi
case $parts in *' rust '*)
    if step 'Postgres' start_postgres; then step 'Rust tests' rust_tests || true; fi
    ;;
esac
case $parts in *' browser '*) step 'Browser tests' browser_tests || true ;; esac
summarise
