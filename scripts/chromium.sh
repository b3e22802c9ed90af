#!/usr/bin/env bash
# A Chromium for the browser tests: SEAMLINE_CHROMIUM, the system's, or Playwright's own. Playwright's is downloaded if
# none is there, and where that cannot be had, Debian's is installed. end2end/playwright.config.ts looks in the same
# places in the same order. Needs the packages of end2end/.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root/end2end"

if [ -n "${SEAMLINE_CHROMIUM:-}" ]; then
    [ -x "$SEAMLINE_CHROMIUM" ] || fail "SEAMLINE_CHROMIUM is $SEAMLINE_CHROMIUM, which is no program."
    exit 0
fi
[ ! -x /usr/bin/chromium ] || exit 0

# Starting it is the test: a downloaded browser may still lack system libraries.
playwrights_own_starts() {
    node -e 'require("@playwright/test").chromium.launch({ timeout: 20000 }).then((browser) => browser.close())' 2>/dev/null
}

! playwrights_own_starts || exit 0
if [ -z "${PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD:-}" ]; then
    say "Downloading Playwright's Chromium."
    if within 300 npx playwright install chromium >&2 && playwrights_own_starts; then exit 0; fi
    say "Playwright's Chromium cannot be had here; using the system's."
fi
"$root/scripts/apt.sh" chromium
