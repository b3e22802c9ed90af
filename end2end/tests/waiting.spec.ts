// A page that waits for a webhook shows it when it arrives, with islands and without WebAssembly. Its refreshes are no
// activity: they neither start nor extend a session, and they are no page views.

import type { BrowserContext, Page } from '@playwright/test';
import { expectConsistent, named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';

/** Our session cookie: it holds the session and the time of the last activity. */
async function sessionCookie(context: BrowserContext): Promise<string> {
  const cookie = (await context.cookies()).find(({ name }) => name === 'seam_session');
  if (cookie === undefined) throw new Error('there is no session cookie');
  return cookie.value;
}

/** Counts the page's refreshes. */
function refreshesOf(page: Page): () => number {
  let count = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).searchParams.has('refresh')) count += 1;
  });
  return () => count;
}

for (const [kind, hasWasm] of [['with islands', true], ['without WebAssembly', false]] as const) {
  test.describe(kind, () => {
    test.beforeEach(async ({ context, complaints }) => {
      if (hasWasm) return;
      await context.addInitScript(() => Reflect.deleteProperty(globalThis, 'WebAssembly'));
      complaints.expect(/Live updates are off/);
    });

    test("Checkout's return page", async ({ visitor, page, context, collector, stripe }) => {
      const { user, device, session } = await visitor.signUp();
      await visitor.leaveForCheckout();
      await stripe.webhooks({ hold: true });
      await page.getByRole('button', { name: 'Start trial' }).click();
      await page.waitForURL(/\/billing\/return/);
      await visitor.ready();
      await expect(page.getByRole('heading', { name: 'Almost there' })).toBeVisible();
      await expect(page.locator('html')).toHaveAttribute('data-islands', hasWasm ? 'started' : 'failed');
      const cookie = await sessionCookie(context);
      const refreshes = refreshesOf(page);
      // Without a feed the page polls.
      if (!hasWasm) await expect.poll(refreshes).toBeGreaterThanOrEqual(3);
      await stripe.webhooks({});
      await expect(page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
      expect(refreshes()).toBeGreaterThan(0);
      expect(await sessionCookie(context), 'no refresh extends the session').toBe(cookie);

      await collector.waitFor(user, 'Trial started', 'Page Viewed /billing/return');
      await visitor.goto('/timeline');
      const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
      expectConsistent(timeline);
      expect(timeline.filter(({ label }) => label === 'Page Viewed /billing/return')).toHaveLength(1);
      expect(named(timeline, 'session_start')).toHaveLength(1);
      expect(new Set(timeline.map((event) => `${event.device} ${event.session}`))).toEqual(new Set([`${device} ${session}`]));
    });

    test('the billing page', async ({ visitor, page, context, collector, stripe }) => {
      const { user, device, session } = await visitor.signUp();
      await visitor.startTrial();
      await stripe.webhooks({ hold: true });
      await visitor.press('Cancel trial');
      await page.waitForURL(/\/billing\?since=\d+$/);
      const waits = page.getByText("This page shows it when Stripe's webhook arrives.");
      await expect(waits).toBeVisible();
      await visitor.ready();
      const cookie = await sessionCookie(context);
      const refreshes = refreshesOf(page);
      if (!hasWasm) await expect.poll(refreshes).toBeGreaterThanOrEqual(3);
      await stripe.webhooks({});
      await expect(page.locator('.billing-plan')).toHaveAttribute('data-state', 'trial_canceled');
      await expect(waits).toBeHidden();
      expect(refreshes()).toBeGreaterThan(0);
      expect(await sessionCookie(context), 'no refresh extends the session').toBe(cookie);
      // The page no longer waits, so it no longer polls.
      if (!hasWasm) {
        const before = refreshes();
        await page.waitForTimeout(3_000);
        expect(refreshes()).toBe(before);
      }

      await collector.waitFor(user, 'Trial canceled');
      await visitor.goto('/timeline');
      const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
      expectConsistent(timeline);
      // The page with the button, and the page after it.
      expect(timeline.filter(({ label }) => label === 'Page Viewed /billing')).toHaveLength(2);
      expect(named(timeline, 'session_start')).toHaveLength(1);
      expect(new Set(timeline.map((event) => `${event.device} ${event.session}`))).toEqual(new Set([`${device} ${session}`]));
    });
  });
}
