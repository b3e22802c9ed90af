// A trial with JavaScript off: Checkout, the wait for the webhook, cancel, resume, and the end.

import { expectConsistent, named, stitches } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('a trial without script: started, canceled, resumed, converted', async ({ visitor, collector, stripe }) => {
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Cancel trial');
  await visitor.expectBilling('trial_canceled');
  await visitor.press('Resume trial');
  await visitor.expectBilling('trialing');
  await stripe.giveCard(account.email, 'pm_card_visa');
  await visitor.press('Jump to the end of the trial');
  await visitor.expectBilling('active');

  const timeline = await collector.waitFor(user, 'Trial started', 'Trial canceled', 'Trial resumed', 'Trial converted');
  expectConsistent(timeline);
  // Stripe's times are whole seconds, and the events are in the order of their causes.
  expect(stitches(timeline)).toEqual([
    'Sign-up completed: server session',
    'Trial started: checkout handoff',
    'Trial canceled: checkout handoff',
    'Trial resumed: checkout handoff',
    'Trial converted: none by rule',
  ]);
  for (const name of ['Trial started', 'Trial canceled', 'Trial resumed'])
    expect(named(timeline, name)).toMatchObject([{ device, session }]);
  expect(await stripe.moneyFrom(account.email)).toBe(1200);
});

test('the return page reloads until the webhook has arrived', async ({ visitor, stripe }) => {
  await visitor.signUp();
  await visitor.leaveForCheckout();
  await stripe.webhooks({ hold: true });
  await visitor.page.getByRole('button', { name: 'Start trial' }).click();
  await visitor.page.waitForURL(/\/billing\/return/);
  await expect(visitor.page.getByRole('heading', { name: 'Almost there' })).toBeVisible();
  await stripe.webhooks({});
  await expect(visitor.page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();
});

test('a user who was signed out in the meantime gets an error, and the selected interval stays', async ({ visitor, complaints }) => {
  complaints.expect(/422 \(Unprocessable Entity\)/);
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.goto('/pricing');
  await visitor.page.getByRole('radio', { name: 'yearly' }).check();
  // As after a sign-out in another tab.
  await visitor.page.context().clearCookies({ name: 'seam_login' });
  await visitor.page.getByRole('button', { name: /trial/ }).click();
  await expect(visitor.page.getByRole('alert').first()).toContainText('You are signed out.');
});
