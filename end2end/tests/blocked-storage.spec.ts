// Field case 23: a browser that blocks storage or cookies. The pages work, or say what is missing.

import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';
import { newAccount, Visitor } from '../fixtures/visitor.ts';

test('case 23: with blocked storage and denied consent the script adds its listeners', async ({ visitor, page, context, baseURL }) => {
  await context.addCookies([{ name: 'seam_consent', value: 'denied', url: baseURL ?? '' }]);
  await page.addInitScript(() => {
    const blocked = { get: () => { throw new DOMException('blocked', 'SecurityError'); } };
    for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, blocked);
    window.BroadcastChannel = class { constructor() { throw new DOMException('blocked', 'SecurityError'); } } as never;
  });
  const account = newAccount();
  await visitor.goto('/sign-up');
  await visitor.fill({ email: account.email, password: account.password });
  await visitor.submit();
  await page.waitForURL('/polls');
  await visitor.createPoll();
  // A listener of the script: the notice goes without a new document.
  const dismiss = page.locator('[data-dismiss]').first();
  await dismiss.click();
  await expect(dismiss).toBeHidden();
});

test('case 23: with blocked cookies the sign-in says so', async ({ baseURL, launchOptions, complaints }) => {
  complaints.expect(/status of 422/);
  const profile = mkdtempSync(join(tmpdir(), 'seamline-'));
  mkdirSync(join(profile, 'Default'));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, { ...launchOptions, baseURL });
  try {
    const page = await context.newPage();
    const visitor = new Visitor(page, true);
    const account = newAccount();
    for (const path of ['/sign-up', '/sign-in']) {
      await visitor.goto(path);
      await visitor.fill({ email: account.email, password: account.password });
      await visitor.submit();
      await expect(page.getByRole('alert')).toContainText('Cookies are off');
      expect(await context.cookies()).toEqual([]);
    }
  } finally {
    await context.close();
    rmSync(profile, { recursive: true });
  }
});
