// The operator's page: delivered and parked events, webhooks with their payloads, and the revenue.

import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('webhooks of a trial are listed with their payloads, and by state', async ({ visitor, page, stripe }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.startTrial();
  const customer = await stripe.customerOf(account.email);
  await visitor.goto('/');
  await page.getByRole('link', { name: 'Operations' }).click();
  await page.waitForURL('/operations');
  const created = page.locator('li[data-webhook]', { hasText: customer }).filter({ hasText: 'subscription.created' });
  await expect(created).toHaveAttribute('data-state', 'applied');
  await expect(created).toContainText('became 1 event');
  await created.getByText('Payload').click();
  await expect(created.locator('pre')).toContainText('"type": "customer.subscription.created"');

  await page.getByRole('navigation', { name: 'Which webhooks' }).getByRole('link', { name: 'Parked' }).click();
  await page.waitForURL(/webhooks=parked/);
  await expect(created).toBeHidden();
  await page.getByRole('link', { name: 'Newest' }).click();
  await expect(created).toBeVisible();
});

test('deliveries of the last hour are drawn', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/operations');
  await expect(page.getByRole('img', { name: /by minute/ })).toBeVisible();
  await expect(page.getByText(/arrived in the last hour/)).toBeVisible();
  await expect(page.locator('.operations-hour rect')).toHaveCount(60);
});

test('revenue is the same at Stripe, in our record and in the events', async ({ visitor, page, stripe, collector }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Add a card');
  await visitor.fillCard('4242 4242 4242 4242');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.waitForURL('/billing');
  await visitor.ready();
  await visitor.press('Jump to the end of the trial');
  await collector.waitFor(user, 'Trial converted');

  await visitor.goto('/operations');
  await page.getByRole('navigation', { name: 'Operations' }).getByRole('link', { name: 'Revenue' }).click();
  await page.waitForURL('/operations/revenue');
  const ledger = page.getByRole('region', { name: 'Stripe and our record' });
  const events = page.getByRole('region', { name: 'Our record and the events' });
  await expect(ledger).toHaveAttribute('data-balanced', 'true');
  await expect(ledger.getByRole('row', { name: /^All USD/ })).toBeVisible();
  await expect(events).toHaveAttribute('data-balanced', 'true');
  await expect(events.getByRole('row', { name: new RegExp(`^${user}`) })).toContainText('12.00 USD12.00 USD');
  await events.getByRole('link', { name: user }).click();
  await page.waitForURL(new RegExp(`find=${user}`));
  await stripe.webhooks({});
});

test('session metrics of all users, stitched and unstitched', async ({ visitor, page, stripe, collector }) => {
  await stripe.webhooks({});
  const { user } = await visitor.signUp();
  await visitor.startTrial();
  await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  await visitor.goto('/operations/sessions');
  const metrics = page.getByRole('region', { name: 'Session metrics: stitched and unstitched' });
  const [, stitched, unstitched] = await metrics.getByRole('row', { name: /^Trial started/ }).locator('th, td').allTextContents();
  expect(Number(stitched)).toBeGreaterThan(0);
  expect(Number(unstitched), 'without stitching no server event has a session').toBe(0);
});
