#!/usr/bin/env bash
# Measures what the design promises. Benchmarks are commands, never timed tests. bench/README.md says how to read them.
# Usage: scripts/bench.sh ARGUMENT… (those of the bench command)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

scripts/rust.sh
use_installed_tools

# In /tmp and open to other users, because a Postgres started by root runs below it as another user.
scratch=$(mktemp -d /tmp/seamline-bench.XXXXXX)
chmod 711 "$scratch"
clean_up() {
    [ ! -d "$scratch/postgres" ] || scripts/postgres.sh stop "$scratch/postgres"
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

case " $* " in
*' --engine sqlite '* | *' --engine=sqlite '* | *' --help '* | ' timeline '* | ' bytes '*) ;;
*)
    if [ -z "${TEST_POSTGRES_URL:-}" ]; then
        scripts/postgres.sh install
        TEST_POSTGRES_URL=$(scripts/postgres.sh start "$scratch/postgres")
        export TEST_POSTGRES_URL
    fi
    ;;
esac

case " $* " in
*' --help '*) ;;
' scale '*) scripts/apt.sh nginx-light ;;
# These measure the built front end.
' timeline '* | ' bytes '*)
    scripts/end2end-packages.sh
    scripts/chromium.sh
    scripts/build.sh
    ;;
' pages '*) scripts/build.sh ;;
esac

# Some commands start the other programs.
cargo build --release --package bench --package server --package amplitude-local \
    --package stripe-local
"${CARGO_TARGET_DIR:-target}/release/bench" "$@"
