#!/usr/bin/env bash
# Replaces the program of an earlier version by the present one, as a rolling deployment does: both on one Postgres behind
# nginx, under load. Fails for each answer that users would see as an error. Needs nginx.
# Usage: scripts/rolling.sh [TAG] (without one: the newest tag). SEAMLINE_OLD_BIN names a program that is built already.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

# In /tmp and open to other users, because a Postgres started by root runs below it as another user.
scratch=$(mktemp -d /tmp/seamline-rolling.XXXXXX)
chmod 711 "$scratch"
clean_up() {
    [ ! -d "$scratch/postgres" ] || scripts/postgres.sh stop "$scratch/postgres"
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [ -z "${SEAMLINE_OLD_BIN:-}" ]; then
    tag=${1:-$(git describe --tags --abbrev=0 2>/dev/null)} || fail "There is no tag yet. Name a commit."
    # A directory of its own, and the same one each time: only what changed is compiled.
    build=${CARGO_TARGET_DIR:-$root/target}/rolling
    rm -rf "$build/source"
    mkdir -p "$build/source"
    git archive "$tag" | tar -x -C "$build/source"
    say "Building $tag in $build …"
    (cd "$build/source" && CARGO_TARGET_DIR="$build/target" cargo build --locked --package server --bin seamline)
    SEAMLINE_OLD_BIN=$build/target/debug/seamline
fi
export SEAMLINE_OLD_BIN

if [ -z "${TEST_POSTGRES_URL:-}" ]; then
    scripts/postgres.sh install
    TEST_POSTGRES_URL=$(scripts/postgres.sh start "$scratch/postgres")
fi
export TEST_POSTGRES_URL
cargo test --package server --test it -- --ignored --nocapture \
    deploy::versions::one_version_replaces_another_without_an_error_that_users_see
