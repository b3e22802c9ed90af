#!/usr/bin/env bash
# Installs the named Debian packages that are not installed yet. On other systems it names them and fails.
# Usage: scripts/apt.sh PACKAGE…
set -euo pipefail
. "$(dirname "$0")/env.sh"

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

have apt-get || fail "Please install $* (Debian's names) with your system's package manager, then run this again."

missing=()
for package in "$@"; do
    is_installed "$package" || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

[ "$(id -u)" = 0 ] || have sudo || fail "Please run this as root, then try again: apt-get install ${missing[*]}"
say "Installing ${missing[*]} with apt."
# Another apt on this machine may hold the lock for a while.
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
as_root "${apt[@]}" update >"$log" 2>&1 || say "apt-get update failed; trying with the lists as they are."
if ! as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt could not install ${missing[*]}: its message stands above."
fi
