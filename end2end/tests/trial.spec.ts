// The main case of Seamline: a click in the browser and Stripe's webhook in one session, and a conversion three days later
// with its revenue and without a session.

import { expectConsistent, named, stitches, withoutSdkEvents } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('the click and the webhook of a trial are in one session', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  await visitor.goto('/');
  const { user, device, session } = await visitor.signUp(account);
  await visitor.leaveForCheckout();
  await visitor.completeCheckout();
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();

  const timeline = await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  expectConsistent(timeline);
  const [clicked] = named(timeline, 'Trial checkout clicked');
  const [started] = named(timeline, 'Trial started');
  expect(clicked).toMatchObject({ source: 'browser', user, device, session, properties: { interval: 'month', surface: 'pricing' } });
  expect(started).toMatchObject({
    source: 'server',
    user,
    device,
    session,
    stitchedBy: 'checkout handoff',
    properties: {
      click: clicked?.insertId,
      subscription_status: 'trialing',
      stripe_event: expect.stringMatching(/^evt_/),
      trial_days: 3,
    },
    userProperties: expect.objectContaining({ subscription_status: 'trialing', account_type: 'pro' }),
  });
  const order = withoutSdkEvents(timeline).map((event) => event.name);
  expect(order.indexOf('Trial started')).toBeGreaterThan(order.indexOf('Trial checkout clicked'));
  expect(stitches(timeline)).toEqual(['Sign-up completed: sdk cookie', 'Trial started: checkout handoff']);

  // The metadata at Stripe has our own IDs only.
  const { id, metadata } = await stripe.subscriptionOf(account.email);
  expect(started?.insertId).toBe(`trial-started:${id}`);
  expect(metadata).toEqual({
    seam_user: user,
    seam_device: device,
    seam_session: String(session),
    seam_at: expect.stringMatching(/^\d{13}$/),
    seam_click: clicked?.insertId,
  });
  await visitor.expectBilling('trialing');
});

test('a conversion three days later has its revenue and no session', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Add a card');
  await visitor.fillCard('4242 4242 4242 4242');
  await visitor.page.getByRole('button', { name: 'Add', exact: true }).click();
  await visitor.page.waitForURL('/billing');
  await visitor.ready();
  await expect(visitor.page.getByText('From then on it is $12.00 a month.')).toBeVisible();

  await visitor.press('Jump to the end of the trial');
  const timeline = await collector.waitFor(user, 'Trial converted');
  await visitor.expectBilling('active');
  await expect(visitor.page.getByRole('cell', { name: '$12.00' })).toBeVisible();

  await visitor.press('Jump over the next renewal');
  const renewed = await collector.waitFor(user, 'Trial converted', 'Subscription renewal');
  expectConsistent(timeline);
  expectConsistent(renewed);
  for (const name of ['Trial converted', 'Subscription renewal']) {
    const events = named(renewed, name);
    expect(events, name).toHaveLength(1);
    expect(events[0]).toMatchObject({
      source: 'server',
      user,
      derivedDevice: true,
      session: -1,
      stitchedBy: 'none by rule',
      properties: { amount_minor: 1200, currency: 'usd', subscription_status: 'active' },
    });
  }
  expect(await stripe.moneyFrom(account.email)).toBe(2400);
  await visitor.goto('/timeline');
  await expect(visitor.page.locator('li[data-event="Trial converted"]')).toContainText(/day \d+ on Stripe's clock/);
});
