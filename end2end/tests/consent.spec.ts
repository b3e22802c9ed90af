// Consent that is denied, by choice or by Global Privacy Control: the pages work, and nothing is recorded or sent.

import type { Browser, BrowserContext, Page } from '@playwright/test';
import type { Collector } from '../fixtures/collector.ts';
import { expect, test } from '../fixtures/test.ts';
import { type Account, newAccount, Visitor } from '../fixtures/visitor.ts';

/** Cookies and stored keys that identify this browser. */
async function traces(context: BrowserContext, page: Page): Promise<string[]> {
  const cookies = (await context.cookies()).map((cookie) => cookie.name);
  const stored = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  return [...cookies, ...stored].filter((name) => /^(seam_(device|session|clock|confirmed|fired|previous)|AMP_)/.test(name));
}

/** Requests that a page must not make. */
function listen(page: Page): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (path.includes('/vendor/') || path === '/ingest') asked.push(path);
  });
  return asked;
}

test.describe('with Global Privacy Control', () => {
  test.use({ extraHTTPHeaders: { 'Sec-GPC': '1' } });

  test('an account works without cookies, stored keys and events of tracking', async ({ visitor, page, context, browser, collector }) => {
    const asked = listen(page);
    const account = newAccount();
    await visitor.goto('/');
    expect(await visitor.boot()).toMatchObject({ tracking: false, device: null, session: null, user: null });
    const user = await untracked(visitor, account);
    await visitor.createPoll();
    await expect(page.getByRole('heading', { name: 'Lunch?' })).toBeVisible();
    expect(await traces(context, page)).toEqual([]);
    expect(asked).toEqual([]);

    await visitor.goto('/timeline');
    await expect(page.locator('.timeline-session')).toHaveCount(0);
    await expectNothingOf(user, browser, collector);
  });
});

test('denied consent is kept in the browser', async ({ visitor, page, context, baseURL, browser, collector }) => {
  await context.addCookies([{ name: 'seam_consent', value: 'denied', url: baseURL ?? '' }]);
  const asked = listen(page);
  const user = await untracked(visitor, newAccount());
  await visitor.createPoll();
  expect(await traces(context, page)).toEqual([]);
  expect(asked).toEqual([]);
  await expectNothingOf(user, browser, collector);
});

test('withdrawn consent removes cookies and stored keys', async ({ visitor, page, context, baseURL, collector }) => {
  await visitor.goto('/');
  const { device } = await visitor.tracked();
  await collector.waitFor(device, 'Page Viewed /');
  expect(await traces(context, page)).toEqual(expect.arrayContaining(['seam_device', 'seam_session', 'seam_clock']));
  await context.addCookies([{ name: 'seam_consent', value: 'denied', url: baseURL ?? '' }]);
  await visitor.goto('/');
  expect(await visitor.boot()).toMatchObject({ tracking: false, device: null, session: null });
  expect(await traces(context, page)).toEqual([]);
});

/** Signs up without tracking, and returns the user ID of the boot data. */
async function untracked(visitor: Visitor, account: Account): Promise<string> {
  await visitor.goto('/sign-up');
  await visitor.fill({ ...account });
  await visitor.submit();
  await visitor.page.waitForURL('/polls');
  await visitor.ready();
  const boot = await visitor.boot();
  expect(boot).toMatchObject({ tracking: false, device: null, session: null, user: expect.any(String) });
  return boot.user ?? '';
}

/** Once a later event of another user has arrived, this user's would have arrived as well. */
async function expectNothingOf(user: string, browser: Browser, collector: Collector): Promise<void> {
  const context = await browser.newContext({ extraHTTPHeaders: {} });
  const other = new Visitor(await context.newPage(), true);
  const { user: later } = await other.signUp();
  await collector.waitFor(later, 'Sign-up completed');
  expect(await collector.personOf(user)).toBeNull();
  await context.close();
}
