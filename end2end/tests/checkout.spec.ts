// Checkout and the return from it: abandoned, replaced by a newer session, before and after the webhook, another user's
// session.

import { expectConsistent, named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('an abandoned Checkout session starts nothing, and a newer one replaces it', async ({
  visitor,
  collector,
  stripe,
}) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.leaveForCheckout();
  const left = visitor.page.url();
  await visitor.page.getByRole('link', { name: /back|return/i }).first().click();
  await visitor.page.waitForURL('/pricing');
  await visitor.ready();
  await visitor.page.goto(`/billing/return?checkout=${sessionIn(left)}`);
  await expect(visitor.page.getByRole('heading', { name: 'Not finished yet' })).toBeVisible();

  await visitor.startTrial('yearly');
  await visitor.page.goto(left);
  await expect(visitor.page.getByRole('button', { name: 'Start trial' })).toHaveCount(0);
  expect(await stripe.subscriptionsOf(account.email)).toHaveLength(1);
  await visitor.goto(`/billing/return?checkout=${sessionIn(left)}`);
  await expect(visitor.page.getByRole('heading', { name: 'Checkout session expired' })).toBeVisible();

  const timeline = await collector.waitFor(user, 'Trial checkout clicked', 'Trial checkout clicked', 'Trial started');
  expectConsistent(timeline);
  const [started] = named(timeline, 'Trial started');
  const clicks = named(timeline, 'Trial checkout clicked');
  expect(started?.properties).toMatchObject({ click: clicks[1]?.insertId, interval: 'year' });
});

test('the return page waits for the webhook, and shows it when it arrives', async ({ visitor, collector, stripe }) => {
  const { user, device, session } = await visitor.signUp();
  await visitor.leaveForCheckout();
  await stripe.webhooks({ hold: true });
  await visitor.page.getByRole('button', { name: 'Start trial' }).click();
  await visitor.page.waitForURL(/\/billing\/return/);
  await visitor.ready();
  await expect(visitor.page.getByRole('heading', { name: 'Almost there' })).toBeVisible();
  await visitor.page.evaluate(() => (document.documentElement.dataset.same = 'document'));
  await stripe.webhooks({});
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
  // The document was not loaded again.
  await expect(visitor.page.locator('html[data-same]')).toBeAttached();
  const timeline = await collector.waitFor(user, 'Trial started');
  expectConsistent(timeline);
  expect(named(timeline, 'Trial started')).toMatchObject([{ device, session, stitchedBy: 'checkout handoff' }]);
});

test("another user's session is not shown", async ({ visitor, browser }) => {
  await visitor.signUp();
  await visitor.leaveForCheckout();
  const checkout = sessionIn(visitor.page.url());
  const otherBrowser = await browser.newPage();
  await otherBrowser.goto(`/billing/return?checkout=${checkout}`);
  await otherBrowser.waitForURL(/\/sign-in\?next=/);
  await otherBrowser.close();
  // Another account in another browser.
  await visitor.goto('/');
  await visitor.signOut();
  await visitor.signUp();
  await visitor.goto(`/billing/return?checkout=${checkout}`);
  await expect(visitor.page.getByRole('heading', { name: 'Checkout session not found' })).toBeVisible();
});

test('a double click makes one Checkout session and one click event', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.goto('/pricing');
  await visitor.page.getByRole('button', { name: /^Start .*trial$/ }).dblclick();
  await visitor.page.waitForURL(/\/c\/pay\//);
  await visitor.completeCheckout();
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
  const timeline = await collector.waitFor(user, 'Trial started');
  expectConsistent(timeline);
  expect(named(timeline, 'Trial checkout clicked')).toHaveLength(1);
  expect(await stripe.subscriptionsOf(account.email)).toHaveLength(1);
});

test('a trial is stitched also when the SDK is blocked', async ({ visitor, collector, complaints, stripe }) => {
  complaints.expect(/net::ERR_(FAILED|BLOCKED_BY_CLIENT)/);
  await visitor.page.route('**/vendor/**', (route) => route.abort());
  await visitor.page.route('**/ingest', (route) => route.abort());
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  await visitor.startTrial();
  const timeline = await collector.waitFor(user, 'Sign-up completed', 'Trial started');
  expectConsistent(timeline);
  expect(timeline.map((event) => event.name)).toEqual(['Sign-up completed', 'Trial started']);
  expect(named(timeline, 'Trial started')).toMatchObject([{ device, session, stitchedBy: 'checkout handoff' }]);
  expect((await stripe.subscriptionOf(account.email)).metadata.seam_device).toBe(device);
});

function sessionIn(url: string): string {
  const found = /cs_\w+/.exec(url);
  if (found === null) throw new Error(`no Checkout session in ${url}`);
  return found[0];
}
