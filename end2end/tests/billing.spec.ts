// Changes of a subscription, by the user, by Stripe and by failed payments. Each test asserts the timeline.

import { expectConsistent, named, stitches } from '../fixtures/timeline.ts';
import type { TimelineEvent } from '../fixtures/collector.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount, type Visitor } from '../fixtures/visitor.ts';

test('cancel and resume in the app, in a later session than the checkout', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const first = await visitor.signUp(account);
  await visitor.startTrial();
  await collector.waitFor(first.user, 'Trial started');

  const later = await inLaterSession(visitor, account);
  await visitor.press('Cancel trial');
  await visitor.expectBilling('trial_canceled');
  await expect(visitor.page.getByText('You keep Pro until')).toBeVisible();
  await visitor.press('Resume trial');
  await visitor.expectBilling('trialing');

  const timeline = await collector.waitFor(first.user, 'Trial canceled', 'Trial resumed');
  expectConsistent(timeline);
  for (const name of ['Trial canceled', 'Trial resumed']) {
    const event = only(timeline, name);
    expect(event).toMatchObject({ device: later.device, session: later.session, stitchedBy: 'checkout handoff' });
  }
  expect(only(timeline, 'Trial started')).toMatchObject({ device: first.device, session: first.session });
  expect(only(timeline, 'Trial canceled').properties.subscription_status).toBe('trial_canceled');
  expect((await stripe.subscriptionOf(account.email)).metadata.seam_session).toBe(String(later.session));
});

test("cancel and resume in Stripe's portal, in a later session than the checkout", async ({
  visitor,
  collector,
  stripe,
}) => {
  const account = newAccount();
  const first = await visitor.signUp(account);
  await visitor.startTrial();
  await collector.waitFor(first.user, 'Trial started');

  const later = await inLaterSession(visitor, account);
  await visitor.press('Card and invoices');
  await visitor.page.getByRole('link', { name: 'Cancel subscription' }).click();
  await visitor.page.getByRole('button', { name: 'Cancel subscription' }).click();
  await expect(visitor.page.getByRole('button', { name: 'Don’t cancel subscription' })).toBeVisible();
  // The portal uses flexible billing, where a cancellation has other fields than in the app.
  expect(await stripe.subscriptionOf(account.email)).toMatchObject({
    cancel_at: expect.any(Number),
    cancel_at_period_end: false,
  });
  await collector.waitFor(first.user, 'Trial canceled');
  await visitor.page.getByRole('button', { name: 'Don’t cancel subscription' }).click();
  const timeline = await collector.waitFor(first.user, 'Trial canceled', 'Trial resumed');
  expectConsistent(timeline);
  for (const name of ['Trial canceled', 'Trial resumed']) {
    const event = only(timeline, name);
    expect(event).toMatchObject({ device: later.device, session: later.session, stitchedBy: 'portal visit' });
    expect(event.properties).toHaveProperty('portal_visit');
    expect(event.properties).not.toHaveProperty('click');
  }
  await visitor.goto('/billing');
  await visitor.expectBilling('trialing');
});

test('a cancellation in the portal is undone in the app', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Card and invoices');
  await visitor.page.getByRole('link', { name: 'Cancel subscription' }).click();
  await visitor.page.getByRole('button', { name: 'Cancel subscription' }).click();
  await collector.waitFor(user, 'Trial canceled');
  await visitor.goto('/billing');
  await visitor.press('Resume trial');
  await visitor.expectBilling('trialing');
  const timeline = await collector.waitFor(user, 'Trial resumed');
  expectConsistent(timeline);
  expect(await stripe.subscriptionOf(account.email)).toMatchObject({ cancel_at: null, status: 'trialing' });
});

test('a trial without a card ends, and the account is on Free again', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Jump to the end of the trial');
  const timeline = await collector.waitFor(user, 'Trial expiration');
  expectConsistent(timeline);
  expect(only(timeline, 'Trial expiration')).toMatchObject({
    derivedDevice: true,
    session: -1,
    properties: { subscription_status: 'expired' },
    userProperties: expect.objectContaining({ account_type: 'free', subscription_status: 'expired' }),
  });
  await visitor.expectBilling('expired');
  expect(await stripe.moneyFrom(account.email)).toBe(0);
  // An account has one trial.
  await visitor.goto('/pricing');
  await expect(visitor.page.getByRole('button', { name: 'Subscribe' })).toBeVisible();
});

test('a declined conversion is followed by another card and a payment', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await stripe.giveCard(account.email, 'pm_card_chargeCustomerFail');
  await visitor.press('Jump to the end of the trial');
  const failed = await collector.waitFor(user, 'Payment failure');
  expect(named(failed, 'Trial converted')).toEqual([]);
  await visitor.expectBilling('past_due');
  await expect(visitor.page.getByText('The last payment failed.')).toBeVisible();

  await stripe.giveCard(account.email, 'pm_card_visa');
  await visitor.press('Jump to the next attempt');
  const timeline = await collector.waitFor(user, 'Payment failure', 'Trial converted');
  expectConsistent(timeline);
  expect(only(timeline, 'Payment failure')).toMatchObject({ session: -1, derivedDevice: true });
  expect(only(timeline, 'Trial converted')).toMatchObject({ session: -1, properties: { amount_minor: 1200 } });
  await visitor.expectBilling('active');
  expect(await stripe.moneyFrom(account.email)).toBe(1200);
});

test('a subscription after the trial, changed to yearly, then refunded', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Jump to the end of the trial');
  await visitor.expectBilling('expired');

  await visitor.leaveForCheckout();
  await visitor.completeCheckout('4242 4242 4242 4242');
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
  const { device, session } = await visitor.tracked();
  await visitor.press('Change to yearly');
  await collector.waitFor(user, 'Subscription started', 'Subscription changed');
  await expect(visitor.page.getByText('$120.00 a year.')).toBeVisible();
  await stripe.refund(account.email);

  const timeline = await collector.waitFor(user, 'Subscription refund');
  expectConsistent(timeline);
  expect(only(timeline, 'Subscription started')).toMatchObject({ device, session, properties: { amount_minor: 1200 } });
  expect(only(timeline, 'Subscription changed')).toMatchObject({
    device,
    session,
    properties: { amount_minor: 12000, interval: 'year', previous_interval: 'month' },
  });
  expect(only(timeline, 'Subscription refund')).toMatchObject({ derivedDevice: true, session: -1 });
  expect(await stripe.moneyFrom(account.email)).toBe(1200);
  await visitor.goto('/billing');
  await expect(visitor.page.getByText('$120.00 refunded')).toBeVisible();
});

test('duplicated and reordered webhooks give the same timeline', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  await visitor.leaveForCheckout();
  await stripe.webhooks({ duplicate: 4, reorder: 4 });
  await visitor.page.getByRole('button', { name: 'Start trial' }).click();
  await visitor.page.waitForURL(/\/billing\/return/);
  await stripe.release();
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
  await stripe.webhooks({});
  const timeline = await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  expectConsistent(timeline);
  expect(only(timeline, 'Trial started')).toMatchObject({ device, session, stitchedBy: 'checkout handoff' });
  expect(stitches(timeline)).toEqual(['Sign-up completed: sdk cookie', 'Trial started: checkout handoff']);
});

test('a button that is pressed while the page refreshes itself is clicked', async ({ visitor, stripe }) => {
  void stripe;
  const { page } = visitor;
  await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/billing');
  await page.getByRole('button', { name: 'Card and invoices' }).hover();
  await page.mouse.down();
  const refreshed = page.waitForResponse((response) => new URL(response.url()).searchParams.has('refresh'));
  await page.evaluate(() => void (window as unknown as { seam: { refresh: () => void } }).seam.refresh());
  await (await refreshed).finished();
  await page.waitForTimeout(500);
  await page.mouse.up();
  await expect(page.getByRole('link', { name: 'Cancel subscription' })).toBeVisible();
});

/** The same account in a new session. */
async function inLaterSession(visitor: Visitor, account: { email: string; password: string }) {
  await visitor.goto('/');
  await visitor.signOut();
  return visitor.signIn(account);
}

function only(timeline: readonly TimelineEvent[], name: string): TimelineEvent {
  const [event, ...more] = named(timeline, name);
  expect(more, `${name} once`).toEqual([]);
  if (event === undefined) throw new Error(`no ${name}`);
  return event;
}
