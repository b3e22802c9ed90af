// How the browser tests run: each worker starts a server of its own (fixtures/server.ts). The `*.nojs.spec.ts` files run in
// Chromium without scripts, all others in Chromium with scripts. There are no retries: a test that fails sometimes is a
// defect.

import { existsSync } from 'node:fs';
import { defineConfig, devices } from '@playwright/test';

const withoutScripts = '**/*.nojs.spec.ts';

// With a folder for pictures nothing but them is asked for.
const only = process.env.SCREENSHOTS ? '**/screenshots.spec.ts' : undefined;

// The same places in the same order as scripts/chromium.sh; undefined is Playwright's own.
const chromium =
  process.env.SEAMLINE_CHROMIUM || (existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : undefined);

// Chromium refuses to sandbox as root. The others keep it from calling home.
const args = ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
if (process.getuid?.() === 0) args.push('--no-sandbox');

export default defineConfig({
  testDir: 'tests',
  forbidOnly: process.env.CI === 'true',
  retries: 0,
  workers: 2,
  timeout: 120_000,
  globalTimeout: 40 * 60_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    trace: 'retain-on-failure',
    launchOptions: { executablePath: chromium, args },
  },
  projects: [
    { name: 'chromium', testMatch: only, testIgnore: withoutScripts, use: devices['Desktop Chrome'] },
    ...(only
      ? []
      : [
          {
            name: 'chromium-nojs',
            testMatch: withoutScripts,
            use: { ...devices['Desktop Chrome'], javaScriptEnabled: false },
          },
        ]),
  ],
});
