// Starts the Chromium that the measurements use, the same as the browser tests' (scripts/chromium.sh).

import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const executablePath =
  process.env.SEAMLINE_CHROMIUM || (existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : undefined);
const args = ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
if (process.getuid?.() === 0) args.push('--no-sandbox');

export const launch = () => chromium.launch({ executablePath, args });

/** Signs the account in. */
export async function signIn(page, site, email, password) {
  await page.goto(`${site}/sign-in`);
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('main button[type=submit]');
  await page.waitForURL('**/polls');
}

/** Waits until the islands of the document run. */
export const islandsStarted = (page) => page.waitForSelector('html[data-islands=started]', { state: 'attached' });
