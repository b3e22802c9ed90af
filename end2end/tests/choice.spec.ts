// Consent that is denied and granted again during a trial: billing continues.

import { expectConsistent, named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('consent denied during a trial stops events and no payment', async ({
  visitor,
  collector,
  stripe,
}) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  const before = await collector.waitFor(user, 'Trial started', 'Page Viewed /billing/return');

  await visitor.goto('/privacy');
  await visitor.page.getByRole('button', { name: 'Do not count my visit' }).click();
  await expect(visitor.page.getByText('You declined.')).toBeVisible();
  await visitor.ready();
  expect(await visitor.boot()).toMatchObject({ tracking: false, device: null, session: null, user });
  const traces = (await visitor.page.context().cookies()).map((cookie) => cookie.name);
  expect(traces.filter((name) => /^(seam_(device|session|clock|confirmed)|AMP_)/.test(name))).toEqual([]);

  // A click, a conversion and a payment have no event.
  await visitor.press('Cancel trial');
  await visitor.expectBilling('trial_canceled');
  const { metadata } = await stripe.subscriptionOf(account.email);
  expect(metadata).toEqual({});
  await visitor.press('Resume trial');
  await visitor.expectBilling('trialing');
  await stripe.giveCard(account.email, 'pm_card_visa');
  await visitor.press('Jump to the end of the trial');
  await visitor.expectBilling('active');
  expect(await stripe.moneyFrom(account.email)).toBe(1200);

  // Consent is granted again: later events are sent, earlier ones are not.
  await visitor.goto('/privacy');
  await visitor.page.getByRole('button', { name: 'Count my visit' }).click();
  await expect(visitor.page.getByText('You accepted.')).toBeVisible();
  await visitor.ready();
  // Stripe's times are whole seconds: a change in the second of the consent counts as before it.
  const granted = Date.now();
  await expect.poll(() => Math.floor(Date.now() / 1_000)).toBeGreaterThan(Math.floor(granted / 1_000));
  await visitor.press('Jump over the next renewal');
  const after = await collector.waitFor(user, 'Subscription renewal');
  expectConsistent(after);
  const server = (timeline: typeof before) => timeline.filter((event) => event.source === 'server').map((event) => event.name);
  expect(server(before)).toEqual(['Sign-up completed', 'Trial started']);
  expect(server(after)).toEqual(['Sign-up completed', 'Trial started', 'Subscription renewal']);
  expect(named(after, 'Subscription renewal')).toMatchObject([{ properties: { amount_minor: 1200 } }]);
  await visitor.goto('/billing');
  await expect(visitor.page.getByRole('cell', { name: '$12.00' })).toHaveCount(2);
});

test('a visitor\'s choice is kept in the browser, and can be changed on the same page', async ({ visitor, collector }) => {
  await visitor.goto('/');
  const { device } = await visitor.tracked();
  await collector.waitFor(device, 'Page Viewed /');
  await visitor.follow('Privacy', '/privacy');
  await visitor.page.getByRole('button', { name: 'Do not count my visit' }).click();
  await expect(visitor.page.getByText('You declined.')).toBeVisible();
  await visitor.ready();
  await visitor.goto('/');
  expect(await visitor.boot()).toMatchObject({ tracking: false, device: null });
  await visitor.goto('/privacy');
  await visitor.page.getByRole('button', { name: 'Count my visit' }).click();
  await expect(visitor.page.getByText('You accepted.')).toBeVisible();
  await visitor.ready();
  const again = await visitor.tracked();
  expect(again.device, 'after a denial the browser is a new device').not.toBe(device);
});
