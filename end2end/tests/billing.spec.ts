// What people do with a subscription, and what goes wrong with one. The timeline is asserted in each.

import { expectSound, named, stitches } from '../fixtures/story.ts';
import type { StoryEvent } from '../fixtures/collector.ts';
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

  const story = await collector.waitFor(first.user, 'Trial canceled', 'Trial resumed');
  expectSound(story);
  for (const name of ['Trial canceled', 'Trial resumed']) {
    const event = only(story, name);
    expect(event).toMatchObject({ device: later.device, session: later.session, stitchedBy: 'checkout handoff' });
  }
  expect(only(story, 'Trial started')).toMatchObject({ device: first.device, session: first.session });
  expect(only(story, 'Trial canceled').properties.subscription_status).toBe('trial_canceled');
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
  // The portal bills flexibly, so it says it in another way than the app does.
  expect(await stripe.subscriptionOf(account.email)).toMatchObject({
    cancel_at: expect.any(Number),
    cancel_at_period_end: false,
  });
  await collector.waitFor(first.user, 'Trial canceled');
  await visitor.page.getByRole('button', { name: 'Don’t cancel subscription' }).click();
  const story = await collector.waitFor(first.user, 'Trial canceled', 'Trial resumed');
  expectSound(story);
  for (const name of ['Trial canceled', 'Trial resumed']) {
    const event = only(story, name);
    expect(event).toMatchObject({ device: later.device, session: later.session, stitchedBy: 'portal visit' });
    expect(event.properties).toHaveProperty('portal_visit');
    expect(event.properties).not.toHaveProperty('click');
  }
  await visitor.goto('/billing');
  await visitor.expectBilling('trialing');
});

test('what the portal canceled is resumed in the app', async ({ visitor, collector, stripe }) => {
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
  const story = await collector.waitFor(user, 'Trial resumed');
  expectSound(story);
  expect(await stripe.subscriptionOf(account.email)).toMatchObject({ cancel_at: null, status: 'trialing' });
});

test('a trial without a card ends by itself, and the account is free again', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Jump to the end of the trial');
  const story = await collector.waitFor(user, 'Trial expiration');
  expectSound(story);
  expect(only(story, 'Trial expiration')).toMatchObject({
    derivedDevice: true,
    session: -1,
    properties: { subscription_status: 'expired' },
    userProperties: expect.objectContaining({ account_type: 'free', subscription_status: 'expired' }),
  });
  await visitor.expectBilling('expired');
  expect(await stripe.moneyFrom(account.email)).toBe(0);
  // One trial each.
  await visitor.goto('/pricing');
  await expect(visitor.page.getByRole('button', { name: 'Subscribe' })).toBeVisible();
});

test('a declined conversion, a better card, and the money after all', async ({ visitor, collector, stripe }) => {
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
  const story = await collector.waitFor(user, 'Payment failure', 'Trial converted');
  expectSound(story);
  expect(only(story, 'Payment failure')).toMatchObject({ session: -1, derivedDevice: true });
  expect(only(story, 'Trial converted')).toMatchObject({ session: -1, properties: { amount_minor: 1200 } });
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

  const story = await collector.waitFor(user, 'Subscription refund');
  expectSound(story);
  expect(only(story, 'Subscription started')).toMatchObject({ device, session, properties: { amount_minor: 1200 } });
  expect(only(story, 'Subscription changed')).toMatchObject({
    device,
    session,
    properties: { amount_minor: 12000, interval: 'year', previous_interval: 'month' },
  });
  expect(only(story, 'Subscription refund')).toMatchObject({ derivedDevice: true, session: -1 });
  expect(await stripe.moneyFrom(account.email)).toBe(1200);
  await visitor.goto('/billing');
  await expect(visitor.page.getByText('$120.00 refunded')).toBeVisible();
});

test('webhooks that come twice and in any order tell the same', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  await visitor.leaveForCheckout();
  await stripe.webhooks({ duplicate: 4, reorder: 4 });
  await visitor.page.getByRole('button', { name: 'Start trial' }).click();
  await visitor.page.waitForURL(/\/billing\/return/);
  await stripe.release();
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
  await stripe.webhooks({});
  const story = await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  expectSound(story);
  expect(only(story, 'Trial started')).toMatchObject({ device, session, stitchedBy: 'checkout handoff' });
  expect(stitches(story)).toEqual(['Sign-up completed: sdk cookie', 'Trial started: checkout handoff']);
});

/** The same account in a session that begins now: somebody comes back another day. */
async function inLaterSession(visitor: Visitor, account: { email: string; password: string }) {
  await visitor.goto('/');
  await visitor.signOut();
  return visitor.signIn(account);
}

function only(story: readonly StoryEvent[], name: string): StoryEvent {
  const [event, ...more] = named(story, name);
  expect(more, `${name} once`).toEqual([]);
  if (event === undefined) throw new Error(`no ${name}`);
  return event;
}
