#!/usr/bin/env bash
# Makes the release build and packs what a machine needs to run it: the folder target/package/seamline, and an archive of it
# beside it. FEATURES as in scripts/build.sh, but empty unless set: packages are for production.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

FEATURES=${FEATURES-} scripts/build.sh
use_installed_tools

target=${CARGO_TARGET_DIR:-target}
package=target/package/seamline
rm -rf target/package
mkdir -p "$package/docs"
cp "$target/release/seamline" "$package/"
cp -R target/site "$package/site"
cp -R deploy "$package/deploy"
cp docs/deploying.md "$package/docs/"
cp .env.example LICENSE-APACHE LICENSE-MIT CHANGELOG.md "$package/"

version=$("$package/seamline" --version | cut -d ' ' -f 2)
archive=target/package/seamline-$version-$(uname -m)-linux.tar.gz
tar -czf "$archive" -C target/package --owner=0 --group=0 seamline
say "The program has $(($(stat -c %s "$package/seamline") / 1000000)) MB, the archive $(($(stat -c %s "$archive") / 1000000)) MB: $archive"
