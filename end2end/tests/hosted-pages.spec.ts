// The hosted pages of the stand-in for Stripe: axe finds nothing on any of them, in any state. They have no scripts:
// hosted-pages.nojs.spec.ts uses them without.

import { expectAccessible } from '../fixtures/accessible.ts';
import { fillCard, prepare, session } from '../fixtures/hosted.ts';
import { expect, test } from '../fixtures/test.ts';

// Each page is analysed four times, and the machine may be busy.
test.describe.configure({ timeout: 180_000 });

const trial = { 'subscription_data[trial_period_days]': '3' };

test.beforeEach(({ complaints }) => {
  // A declined card is a 402, as at Stripe.
  complaints.expect(/status of 402/);
});

test('Checkout of a trial without a card, and its page after completion', async ({ page, stripe }) => {
  const { price } = await prepare(stripe);
  const customer = await stripe.newCustomer();
  const { url } = await session(stripe, price, { ...trial, customer, payment_method_collection: 'if_required' });
  await page.goto(url);
  await expect(page.getByText('3 days free').first()).toBeVisible();
  await expect(page.getByLabel('Card number')).toHaveCount(0);
  await expectAccessible(page, 'a trial without a card');
  await page.getByRole('button', { name: 'Start trial' }).click();
  await page.waitForURL(/[?]from=checkout/);
  await page.goto(url);
  await expect(page.getByRole('heading', { name: 'all done' })).toBeVisible();
  await expectAccessible(page, 'a session that is complete');
});

test('Checkout with cards, good and bad', async ({ page, stripe }) => {
  const { price } = await prepare(stripe);
  const { url } = await session(stripe, price, trial);
  await page.goto(url);
  await page.getByText('Test cards').click();
  await expectAccessible(page, 'a trial with a card');
  await page.getByLabel('Email').fill('ada@example.com');
  await fillCard(page, '4000000000000002');
  await page.getByRole('button', { name: 'Start trial' }).click();
  await expect(page.getByRole('alert')).toHaveText('Your card was declined.');
  await expect(page.getByLabel('Card number')).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel('Cardholder name')).toHaveValue('Ada Lovelace');
  await expectAccessible(page, 'a card that was declined');
  await fillCard(page, '4000002500003155');
  await page.getByRole('button', { name: 'Start trial' }).click();
  await expect(page.getByRole('button', { name: 'Complete authentication' })).toBeVisible();
  await expectAccessible(page, 'a bank that asks');
});

test('Checkout with a payment, and an expired one', async ({ page, stripe }) => {
  const { price } = await prepare(stripe);
  const customer = await stripe.newCustomer();
  const { id, url } = await session(stripe, price, { customer });
  await page.goto(url);
  await expect(page.getByRole('button', { name: 'Subscribe' })).toBeVisible();
  await expectAccessible(page, 'a plan that is paid at once');
  await stripe.create(`checkout/sessions/${id}/expire`);
  await page.goto(url);
  await expect(page.getByRole('heading', { name: 'expired' })).toBeVisible();
  await expectAccessible(page, 'a session that has expired');
});

test('the portal without a plan, and in a trial', async ({ page, stripe }) => {
  const { subscribe } = await prepare(stripe);
  const customer = await stripe.newCustomer();
  await page.goto(await stripe.portalOf(customer));
  await expect(page.getByText('You have no subscription.')).toBeVisible();
  await expectAccessible(page, 'a customer without a plan');
  await subscribe(customer, { trial_period_days: '14' });
  await page.goto(await stripe.portalOf(customer));
  await expect(page.getByText(/Your trial ends on/)).toBeVisible();
  await expectAccessible(page, 'a trial');
  await page.getByRole('link', { name: 'Add payment method' }).click();
  await fillCard(page, '4000000000000002');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByRole('alert')).toHaveText('Your card was declined.');
  await expectAccessible(page, 'a card that cannot be kept');
});

test('the portal of an active plan, and of its end', async ({ page, stripe }) => {
  const { subscribe } = await prepare(stripe);
  const customer = await stripe.newCustomer('pm_card_visa');
  const plan = await subscribe(customer);
  const { id: configuration } = await stripe.create('billing_portal/configurations', {
    'features[invoice_history][enabled]': 'true',
    'features[payment_method_update][enabled]': 'true',
    'features[subscription_cancel][enabled]': 'true',
    'features[subscription_cancel][cancellation_reason][enabled]': 'true',
    'features[subscription_cancel][cancellation_reason][options][0]': 'too_expensive',
  });
  await page.goto(await stripe.portalOf(customer, { configuration }));
  await expect(page.getByText(/Your plan renews on/)).toBeVisible();
  await expect(page.getByRole('cell', { name: '$12.00' })).toBeVisible();
  await expectAccessible(page, 'an active plan');
  await page.getByRole('link', { name: 'Cancel subscription' }).click();
  await expect(page.getByLabel('Why do you cancel?')).toBeVisible();
  await expectAccessible(page, 'a cancellation to confirm');
  await stripe.create(`subscriptions/${plan}`, { cancel_at_period_end: 'true' });
  await page.goto(await stripe.portalOf(customer));
  await expect(page.getByText(/will be canceled on/)).toBeVisible();
  await expectAccessible(page, 'a plan that ends');
});

test('the portal of a customer with an unpaid invoice, and of a pause', async ({ page, stripe }) => {
  const { subscribe } = await prepare(stripe);
  const pastDue = await stripe.newCustomer('pm_card_chargeCustomerFail');
  await stripe.passUntil(await subscribe(pastDue, { trial_period_days: '1' }), 'payment');
  await page.goto(await stripe.portalOf(pastDue));
  await expect(page.getByText(/Your last payment failed/)).toBeVisible();
  await expectAccessible(page, 'a plan that is past due');
  await page.getByRole('button', { name: /^Pay/ }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  const paused = await stripe.newCustomer('pm_card_visa');
  await stripe.create(`subscriptions/${await subscribe(paused)}/pause`);
  await page.goto(await stripe.portalOf(paused));
  await expect(page.getByText('Your plan is paused.')).toBeVisible();
  await expectAccessible(page, 'a plan that is paused');
});

test('the control page', async ({ page, stripe }) => {
  await page.goto(stripe.origin);
  await expect(page.getByRole('heading', { name: 'stripe-local' })).toBeVisible();
  await expectAccessible(page, 'controls');
});
