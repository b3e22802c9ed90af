# shellcheck shell=bash
# Sourced in place of env.sh by the scripts that install development tools: prebuilt where their projects release them, else
# compiled. It installs nothing when sourced.

. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# install_tool TOOL TOOLCHAIN ARGUMENT…: `cargo install`, unoptimised, as optimising takes most of an hour. It runs away
# from the project, whose cargo settings are not the tool's, and in a build directory of its own, so that an
# interrupted build goes on. TOOLCHAIN is an argument of cargo's, such as +1.96.0, or empty.
install_tool() {
    local started=$SECONDS build=$cache/tools/$1
    mkdir -p "$build"
    (cd "$build" && CARGO_TARGET_DIR=$build/target CARGO_PROFILE_DEV_DEBUG=0 \
        cargo ${2:+"$2"} install "$1" "${@:3}" --debug) ||
        fail "cargo could not install $1: its message stands above."
    rm -rf "$build"
    say "Installed $1 in $((SECONDS - started)) s."
}

# prebuilt TOOL CRATE VERSION ARCHIVE CHECKSUM: installs a tool as its project releases it, by cargo-binstall where that is
# installed, else from the archive at that URL, whose SHA-256 is in the file at CHECKSUM. Fails within seconds on a machine
# that reaches neither, and leaves nothing behind.
prebuilt() (
    tool=$1 crate=$2 version=$3 archive=$4 checksum=$5
    if have cargo-binstall; then
        within 120 cargo binstall --no-confirm --disable-strategies compile "$crate@$version" >&2 && exit 0
    fi
    have curl && have tar && have sha256sum || exit 1
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 1
    say "Looking for a prebuilt $tool $version."
    for file in "$archive" "$checksum"; do
        curl --fail --silent --location --proto '=https' --connect-timeout 5 --max-time 120 \
            --output "${file##*/}" "$file" || exit 1
    done
    wanted=$(grep -oE '^[0-9a-f]{64}' "${checksum##*/}" | head -n 1)
    found=$(sha256sum "${archive##*/}" | cut -d ' ' -f 1)
    [ -n "$wanted" ] && [ "$wanted" = "$found" ] || exit 1
    tar -xzf "${archive##*/}"
    binary=$(find . -type f -name "$tool" | head -n 1)
    [ -n "$binary" ] && "$binary" --version >/dev/null 2>&1 || exit 1
    mkdir -p "$cargo_home/bin"
    install -m 755 "$binary" "$cargo_home/bin/$tool"
    say "Installed $tool $version as its project released it."
)

# The target that releases of Rust tools for this machine are named after; LIBC is gnu or musl.
# Usage: release_target LIBC
release_target() {
    case "$(uname -s) $(uname -m)" in
    'Linux x86_64') echo "x86_64-unknown-linux-$1" ;;
    'Linux aarch64') echo "aarch64-unknown-linux-$1" ;;
    'Darwin arm64') echo aarch64-apple-darwin ;;
    'Darwin x86_64') echo x86_64-apple-darwin ;;
    *) echo unknown ;;
    esac
}

# shellcheck disable=SC2034 # for the sourcing script
releases=https://github.com
