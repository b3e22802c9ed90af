#!/usr/bin/env bash
# Amplitude's Browser SDK, as one self-contained file served from our own origin. It comes from the npm registry and is
# checked against the digest below. `npm pack`, because installing it would resolve dependencies that this file does
# not need. Does nothing when the file is there.
set -euo pipefail
. "$(dirname "$0")/env.sh"

version=2.48.1
integrity=sha512-KEavyfKaPze3nXxtnOwAh4PCm5saJelzST3vatccs3GuE65uhS9ev/YEFR2r6szi6byZBUKWB0cHjlZ0fMqv2A==

vendor=$root/public/vendor
script=$vendor/browser-sdk-$version.js
licence=$vendor/browser-sdk-$version.LICENSE
[ ! -s "$script" ] || [ ! -s "$licence" ] || exit 0

"$root/scripts/node.sh" 18
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
say "Fetching Amplitude's Browser SDK $version."
within 300 npm pack --silent "@amplitude/analytics-browser@$version" >/dev/null ||
    fail "npm could not fetch @amplitude/analytics-browser $version: its message stands above."
tarball=amplitude-analytics-browser-$version.tgz
# shellcheck disable=SC2016 # the dollar sign is JavaScript's
found=$(node -e '
    const digest = require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1]));
    console.log(`sha512-${digest.digest("base64")}`);' "$tarball")
[ "$found" = "$integrity" ] || fail "The Browser SDK that npm delivered is not the expected one: $found."

tar -xzf "$tarball" package/lib/scripts/amplitude-min.js package/LICENSE
mkdir -p "$vendor"
mv package/LICENSE "$licence"
mv package/lib/scripts/amplitude-min.js "$script"
