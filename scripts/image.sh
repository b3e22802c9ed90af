#!/usr/bin/env bash
# Makes the image of the Dockerfile as a folder, and runs it in a chroot as the image's user: for machines without a container
# engine. It fails if the image is too large, the server does not become healthy or ready, refuses no missing keys, or does
# not end in time after SIGTERM. Needs root and apt-get.
# Usage: scripts/image.sh [PACKAGE] (a folder as scripts/package.sh makes it, which is the default)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

max_image_mb=120
max_program_mb=40
stop_secs=25
package=${1:-target/package/seamline}
[ -x "$package/seamline" ] || fail "There is no program in $package: run scripts/package.sh"
[ "$(id -u)" = 0 ] || fail "chroot needs root."

work=$(mktemp -d /tmp/seamline-image.XXXXXX)
server=
clean_up() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The packages of gcr.io/distroless/cc-debian12, from Debian.
base_image() {
    mkdir "$work/debs"
    (cd "$work/debs" && apt-get download -qq base-files ca-certificates libc6 libgcc-s1 libgomp1 libssl3 libstdc++6 netbase tzdata >/dev/null 2>&1) ||
        fail "apt-get cannot download the packages of the base image."
    mkdir -p "$image"
    for deb in "$work/debs/"*.deb; do dpkg -x "$deb" "$image"; done
    cat "$image"/usr/share/ca-certificates/mozilla/*.crt >"$image/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$image/usr/share/doc" "$image/usr/share/man" "$image/usr/share/lintian"
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$image/etc/passwd"
    echo 'nonroot:x:65532:' >"$image/etc/group"
    mkdir -p "$image/tmp" && chmod 1777 "$image/tmp"
}

# What the last stage of the Dockerfile says.
settings() { sed -n 's/^ENV //p' Dockerfile; }
entrypoint() { sed -n 's/^ENTRYPOINT \["\(.*\)"\]$/\1/p' Dockerfile; }
health_command() { sed -n 's/^HEALTHCHECK .* CMD \["\(.*\)"\]$/\1/p' Dockerfile | sed 's/", "/ /g'; }

megabytes() { echo $(($(du -sb "$1" | cut -f 1) / 1000000)); }

image=$work/image
base_image
mkdir -p "$image/opt"
cp -R "$package" "$image/opt/seamline"
mkdir "$image/data" && chown 65532:65532 "$image/data"

# in_image VARIABLE=VALUE… -- COMMAND…: runs a command with the image's settings, and more.
in_image() {
    local variables=()
    while [ "$1" != -- ]; do variables+=("$1") && shift; done
    shift
    mapfile -t image_settings < <(settings)
    exec env -i "${image_settings[@]}" "${variables[@]}" "$(command -v chroot)" --userspec=65532:65532 "$image" "$@"
}

port=$((20000 + RANDOM % 12000))
site=(LEPTOS_SITE_ADDR="127.0.0.1:$port" PUBLIC_URL=https://demo.example TRUSTED_PROXIES=127.0.0.1)
# Keys of no real project. Nothing is sent to them before a visitor does something.
keys=(AMPLITUDE_API_KEY=0123456789abcdef0123456789abcdef STRIPE_SECRET_KEY=sk_test_0123456789
    STRIPE_WEBHOOK_SECRETS=whsec_0123456789 SMTP_URL=smtp://127.0.0.1:9 COOKIE_KEY=0123456789abcdef0123456789abcdef)

if (in_image "${site[@]}" -- "$(entrypoint)") >"$work/refusal" 2>&1; then fail "The server started without keys."; fi
grep -q AMPLITUDE_API_KEY "$work/refusal" || fail "The server gave another reason than the keys: $(cat "$work/refusal")"

run=("${site[@]}" "${keys[@]}")
(in_image "${run[@]}" -- "$(entrypoint)") >"$work/log" 2>&1 &
server=$!
read -ra health <<<"$(health_command)"
for _ in $(seq 100); do
    if (in_image "${run[@]}" -- "${health[@]}") >"$work/health" 2>&1; then break; fi
    kill -0 "$server" 2>/dev/null || fail "The server ended: $(cat "$work/log")"
    sleep 0.1
done
(in_image "${run[@]}" -- "${health[@]}") || fail "The server is not healthy: $(cat "$work/health" "$work/log")"
[ "$(stat -c %u "/proc/$server")" = 65532 ] || fail "The server runs as another user than the image's."
[ "$(curl --silent --output "$work/page" --write-out '%{http_code}' "http://127.0.0.1:$port/sign-in")" = 200 ] || fail "There is no page at /sign-in."
style=$(grep -o '/assets/[^"]*seamline.css' "$work/page" | head -n 1)
[ "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port$style")" = 200 ] || fail "There is no style at $style."

kill -TERM "$server"
started=$SECONDS
wait "$server" || fail "The server ended with an error: $(tail -n 3 "$work/log")"
server=
[ $((SECONDS - started)) -le "$stop_secs" ] || fail "The server needed $((SECONDS - started)) s to end."
say "The image runs as user 65532, is healthy, and ended $((SECONDS - started)) s after SIGTERM."

program_mb=$(megabytes "$image/opt/seamline/seamline")
image_mb=$(megabytes "$image")
say "The program has $program_mb MB, the image $image_mb MB."
[ "$image_mb" -le "$max_image_mb" ] || fail "The image may have $max_image_mb MB."
[ "$program_mb" -le "$max_program_mb" ] || fail "The program may have $max_program_mb MB."
