// The hosted pages of the stand-in for Stripe work without scripts: they have links and forms only.

import { fillCard, prepare, session } from '../fixtures/hosted.ts';
import { expect, test } from '../fixtures/test.ts';

test('a trial with a card', async ({ page, stripe, complaints }) => {
  // A declined card is a 402, as at Stripe.
  complaints.expect(/status of 402/);
  const { price } = await prepare(stripe);
  const { id, url } = await session(stripe, price, { 'subscription_data[trial_period_days]': '3' });
  await page.goto(url);
  await page.getByRole('link', { name: 'Back to' }).click();
  await page.waitForURL(/[?]from=cancel/);
  await page.goBack();
  await page.getByLabel('Email').fill('ada@example.com');
  await fillCard(page, '4000000000000002');
  await page.getByRole('button', { name: 'Start trial' }).click();
  await expect(page.getByRole('alert')).toHaveText('Your card was declined.');
  await fillCard(page, '4000002500003155');
  await page.getByRole('button', { name: 'Start trial' }).click();
  await page.getByRole('link', { name: 'Fail authentication' }).click();
  await page.getByLabel('Email').fill('ada@example.com');
  await fillCard(page, '4000002500003155');
  await page.getByRole('button', { name: 'Start trial' }).click();
  await page.getByRole('button', { name: 'Complete authentication' }).click();
  await page.waitForURL(/[?]from=checkout/);
  expect(await stripe.find(`checkout/sessions/${id}`)).toMatchObject({ status: 'complete' });
});

test('the portal: a card, an open invoice, a cancellation that is undone', async ({ page, stripe }) => {
  const { subscribe } = await prepare(stripe);
  const customer = await stripe.newCustomer('pm_card_chargeCustomerFail');
  const plan = await subscribe(customer, { trial_period_days: '1' });
  await stripe.passUntil(plan, 'payment');
  await page.goto(await stripe.portalOf(customer));
  await expect(page.getByText('Past due')).toBeVisible();
  await page.getByRole('link', { name: 'Add payment method' }).click();
  await fillCard(page, '4242424242424242');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByText('Default')).toHaveCount(1);
  await page.getByRole('button', { name: /^Pay/ }).click();
  await expect(page.getByText('Active')).toBeVisible();
  await page.getByRole('link', { name: 'Cancel subscription' }).click();
  await page.getByRole('link', { name: 'Go back' }).click();
  await page.getByRole('link', { name: 'Cancel subscription' }).click();
  await page.getByRole('button', { name: 'Cancel subscription' }).click();
  await page.getByRole('button', { name: 'Don’t cancel subscription' }).click();
  await expect(page.getByText('Active')).toBeVisible();
  expect(await stripe.find(`subscriptions/${plan}`)).toMatchObject({ status: 'active', cancel_at: null });
});
