// Without script, a page that waits for a webhook reloads. A reload is no activity: it neither starts nor extends a session.

import type { BrowserContext } from '@playwright/test';
import { expectConsistent } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';

async function sessionCookie(context: BrowserContext): Promise<string> {
  const cookie = (await context.cookies()).find(({ name }) => name === 'seam_session');
  if (cookie === undefined) throw new Error('there is no session cookie');
  return cookie.value;
}

test("Checkout's return page and the billing page", async ({ visitor, page, context, collector, stripe }) => {
  const { user, device, session } = await visitor.signUp();
  await visitor.leaveForCheckout();
  await stripe.webhooks({ hold: true });
  await page.getByRole('button', { name: 'Start trial' }).click();
  await page.waitForURL(/\/billing\/return/);
  await expect(page.getByRole('heading', { name: 'Almost there' })).toBeVisible();
  let cookie = await sessionCookie(context);
  for (let loads = 0; loads < 2; loads += 1) await page.waitForEvent('load');
  await expect(page).toHaveURL(/[?&]refresh/);
  await stripe.webhooks({});
  await expect(page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
  expect(await sessionCookie(context), 'no refresh extends the session').toBe(cookie);

  await stripe.webhooks({ hold: true });
  await visitor.press('Cancel trial');
  await expect(page.getByText("This page shows it when Stripe's webhook arrives.")).toBeVisible();
  cookie = await sessionCookie(context);
  for (let loads = 0; loads < 2; loads += 1) await page.waitForEvent('load');
  await stripe.webhooks({});
  await expect(page.locator('.billing-plan')).toHaveAttribute('data-state', 'trial_canceled');
  await expect(page.locator('meta[http-equiv=refresh]')).toHaveCount(0);
  expect(await sessionCookie(context), 'no refresh extends the session').toBe(cookie);

  const timeline = await collector.waitFor(user, 'Sign-up completed', 'Trial started', 'Trial canceled');
  expectConsistent(timeline);
  expect(new Set(timeline.map((event) => `${event.device} ${event.session}`))).toEqual(new Set([`${device} ${session}`]));
});
