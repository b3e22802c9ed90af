// The operator's page: what arrived, what was set aside, and webhooks with what they carried.

import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('webhooks of a trial are listed with what they carried, and by state', async ({ visitor, page, stripe }) => {
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

  await page.getByRole('navigation', { name: 'Which webhooks' }).getByRole('link', { name: 'set aside' }).click();
  await page.waitForURL(/webhooks=parked/);
  await expect(created).toBeHidden();
  await page.getByRole('link', { name: 'newest' }).click();
  await expect(created).toBeVisible();
});

test('deliveries of the last hour are drawn', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/operations');
  await expect(page.getByRole('img', { name: /by minute/ })).toBeVisible();
  await expect(page.getByText(/arrived in the last hour/)).toBeVisible();
  await expect(page.locator('.hour rect')).toHaveCount(60);
});

test('the money adds up: Stripe, our record and the events', async ({ visitor, page, stripe, collector }) => {
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
  const told = page.getByRole('region', { name: 'Our record and the events' });
  await expect(ledger).toHaveAttribute('data-balanced', 'true');
  await expect(ledger.getByRole('row', { name: /^All USD/ })).toBeVisible();
  await expect(told).toHaveAttribute('data-balanced', 'true');
  await expect(told.getByRole('row', { name: new RegExp(`^${user}`) })).toContainText('12.00 USD12.00 USD');
  await told.getByRole('link', { name: user }).click();
  await page.waitForURL(new RegExp(`find=${user}`));
  await stripe.webhooks({});
});

test('what the stitching is worth over everybody', async ({ visitor, page, stripe, collector }) => {
  await stripe.webhooks({});
  const { user } = await visitor.signUp();
  await visitor.startTrial();
  await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  await visitor.goto('/operations/sessions');
  const worth = page.getByRole('region', { name: 'What the stitching is worth' });
  const [, stitched, unstitched] = await worth.getByRole('row', { name: /^Trial started/ }).locator('th, td').allTextContents();
  expect(Number(stitched)).toBeGreaterThan(0);
  expect(Number(unstitched), 'no server event has a session without the stitching').toBe(0);
});
