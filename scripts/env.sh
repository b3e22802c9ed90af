# shellcheck shell=bash
# Sourced by every script here: where the project and its caches are, which Rust toolchain builds both the server and
# the wasm front, and how to print messages. It installs nothing and must stay quick.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/seamline
cargo_home=${CARGO_HOME:-$HOME/.cargo}

# `cargo install` puts tools there; a plain shell may not have it on its path yet.
case :$PATH: in
*":$cargo_home/bin:"*) ;;
*) export PATH="$PATH:$cargo_home/bin" ;;
esac

# scripts/node.sh makes it where the system's Node.js is too old.
private_node=$cache/node
use_private_node() {
    if [ -x "$private_node/node_modules/.bin/node" ]; then export PATH="$private_node/node_modules/.bin:$PATH"; fi
}

# CI builds in a fresh clone each time: a build directory outside of it keeps the dependencies warm. Incremental
# files are of no use to the next clone and would fill the disk.
if [ "${CI:-}" = true ]; then
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${SEAMLINE_TARGET_DIR:-$cache/target}}"
    export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"
fi

# say TEXT… and fail TEXT…: one line of output; fail also ends the script.
say() { printf 'seamline: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# within SECONDS COMMAND…: a time limit where the system has `timeout`, else none.
within() {
    local seconds=$1
    shift
    if have timeout; then timeout "$seconds" "$@"; else "$@"; fi
}

# Deletes the compressed files of a release build: a development build would not replace them, and the server would go on
# sending them.
drop_compressed_assets() {
    [ ! -d "$root/target/site" ] || find "$root/target/site" \( -name '*.br' -o -name '*.gz' \) -delete
}

# as_root COMMAND…: through sudo where needed.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# at_least WANTED ACTUAL: whether a dotted version is new enough.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

rust_version() { rustc --version 2>/dev/null | cut -d ' ' -f 2 | cut -d - -f 1; }

# The least Rust that the workspace builds with, as its manifest says.
workspace_rust() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml"; }

has_wasm_std() {
    local sysroot
    sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
    compgen -G "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null
}

# builds_seamline: whether the toolchain in force is new enough and can build the wasm front.
builds_seamline() { at_least "$(workspace_rust)" "$(rust_version || echo 0)" && has_wasm_std; }

# The toolchain in force is used wherever it will do. Else, if scripts/rust.sh has made Debian's able to build for
# wasm, that one builds everything: two compilers would build every shared dependency twice.
choose_toolchain() {
    if [ -z "${RUSTUP_TOOLCHAIN:-}" ] && ! builds_seamline; then
        export RUSTUP_TOOLCHAIN=debian
        builds_seamline || unset RUSTUP_TOOLCHAIN
    fi
}

# In CI Clippy's compiler builds the workspace's crates. `make check` and `make test` then share them, where `cargo clippy`
# would compile every dependency once more (7 minutes on two cores).
lint_while_building() {
    if [ "${CI:-}" = true ] && clippy-driver --version >/dev/null 2>&1; then
        export RUSTC_WORKSPACE_WRAPPER=clippy-driver
    fi
}

# Again after a set-up, which may have brought them.
use_installed_tools() {
    use_private_node
    choose_toolchain
}

use_installed_tools
