#!/usr/bin/env bash
# Rust for Seamline: a compiler for the server and for wasm, cargo-leptos, and wasm-bindgen of the lock file's version.
# Prefers what rustup can add. A machine that reaches only package registries gets Debian's compiler, whose wasm
# standard library is built here from its own sources. Does nothing when all is there.
set -euo pipefail
. "$(dirname "$0")/tools.sh"
cd "$root"

leptos_version=0.3.11
leptos_rust=1.96 # cargo-leptos needs it; Seamline itself builds with less
debian_packages=(rustc-web cargo-web rust-web-src lld-22 rustfmt-web rust-web-clippy)

# SQLite and ring are built from C.
# jemalloc is built with make.
ensure_c_compiler() { { have cc && have make; } || scripts/apt.sh build-essential; }

ensure_compiler() {
    builds_seamline && return
    if have rustup && at_least "$(workspace_rust)" "$(rust_version || echo 0)"; then
        say "Adding the wasm target."
        within 300 rustup target add wasm32-unknown-unknown && has_wasm_std && return
        say "rustup could not add the wasm target; using Debian's compiler instead."
    fi
    if ! install_debian_compiler || ! build_wasm_std; then
        fail "Please install Rust $(workspace_rust) or newer with its target wasm32-unknown-unknown (with rustup: rustup update stable && rustup target add wasm32-unknown-unknown)."
    fi
    choose_toolchain
    builds_seamline || fail "Rust $(rust_version) is in force, but Seamline needs $(workspace_rust) or newer: unset RUSTUP_TOOLCHAIN, or run rustup update stable."
}

install_debian_compiler() {
    scripts/apt.sh "${debian_packages[@]}" || return 1
    ! have rustup || rustup toolchain link debian /usr
}

# Builds the wasm standard library of the compiler in /usr and puts it where that compiler looks. Bitcode is
# embedded, or link-time optimisation of release builds would fail for want of it.
build_wasm_std() (
    export RUSTUP_TOOLCHAIN=debian
    target=wasm32-unknown-unknown
    rustlib=$(rustc --print sysroot)/lib/rustlib
    host=$(rustc -vV | sed -n 's/^host: //p')
    ! has_wasm_std || exit 0
    say "Building the standard library for wasm (about a minute)."
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/src"
    : >"$work/src/lib.rs"
    printf '[package]\nname = "seed"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$work/Cargo.toml"
    (cd "$work" && RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR=$work/target \
        cargo build --quiet --release -Zbuild-std=std,panic_abort --target $target) || exit 1
    rm -f "$work/target/$target/release/deps/"libseed-*
    as_root mkdir -p "$rustlib/$target/lib" "$rustlib/$host/bin" &&
        as_root cp "$work/target/$target/release/deps/"*.rlib "$rustlib/$target/lib/" &&
        as_root ln -sf /usr/bin/lld-22 "$rustlib/$host/bin/rust-lld"
)

# Prints the cargo argument that chooses a compiler new enough for cargo-leptos: nothing, or +TOOLCHAIN.
compiler_for_leptos() {
    at_least $leptos_rust "$(rust_version)" && return
    have rustup || return 1
    if at_least $leptos_rust "$(RUSTUP_TOOLCHAIN=debian rust_version || echo 0)"; then
        echo +debian
    elif within 600 rustup toolchain install $leptos_rust.0 --profile minimal >&2; then
        echo +$leptos_rust.0
    elif install_debian_compiler >&2 && at_least $leptos_rust "$(RUSTUP_TOOLCHAIN=debian rust_version || echo 0)"; then
        echo +debian
    else
        return 1
    fi
}

prebuilt_cargo_leptos() {
    local archive
    archive=$releases/leptos-rs/cargo-leptos/releases/download/v$leptos_version/cargo-leptos-$(release_target gnu).tar.gz
    prebuilt cargo-leptos cargo-leptos "$leptos_version" "$archive" "$archive.sha256"
}

prebuilt_wasm_bindgen() {
    local version=$1 archive
    archive=$releases/wasm-bindgen/wasm-bindgen/releases/download/$version
    archive=$archive/wasm-bindgen-$version-$(release_target musl).tar.gz
    prebuilt wasm-bindgen wasm-bindgen-cli "$version" "$archive" "$archive.sha256sum"
}

ensure_cargo_leptos() {
    local found toolchain
    found=$(cargo-leptos --version 2>/dev/null | sed -n 's/^cargo-leptos //p') || true
    case $found in 0.3.*) at_least $leptos_version "$found" && return ;; esac
    ! prebuilt_cargo_leptos || return 0
    toolchain=$(compiler_for_leptos) ||
        fail "cargo-leptos needs Rust $leptos_rust or newer to be built: rustup update stable, then run this again."
    say "Building cargo-leptos $leptos_version from source, once: 10 to 15 minutes on two cores."
    install_tool cargo-leptos "$toolchain" --version $leptos_version --locked --features no_downloads
}

# wasm-bindgen refuses a module that another version of its library made.
ensure_wasm_bindgen() {
    local wanted found
    wanted=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock)
    found=$(wasm-bindgen --version 2>/dev/null | cut -d ' ' -f 2) || true
    [ "$found" != "$wanted" ] || return 0
    ! prebuilt_wasm_bindgen "$wanted" || return 0
    say "Building wasm-bindgen $wanted from source, once: 2 to 4 minutes on two cores."
    install_tool wasm-bindgen-cli '' --version "$wanted"
}

ensure_c_compiler
ensure_compiler
ensure_cargo_leptos
ensure_wasm_bindgen
