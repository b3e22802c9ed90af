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
