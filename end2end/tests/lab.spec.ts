// The disturbance lab: a scripted user uses the product under a disturbance, and the lab shows the verdict on the timeline.

import { expectAccessible } from '../fixtures/accessible.ts';
import { expect, test } from '../fixtures/test.ts';

// A run takes some seconds, and axe analyses the page four times.
test.describe.configure({ timeout: 180_000 });

test('a run with the SDK blocked is followed live, and its findings are explained', async ({ visitor, page }) => {
  await visitor.goto('/');
  await page.getByRole('link', { name: 'Disturbance lab' }).click();
  await page.waitForURL('/lab');
  await expect(page.getByRole('heading', { level: 1, name: 'Disturbance lab' })).toBeVisible();

  const item = page.locator('li[data-disturbance="sdk-blocked"]');
  await item.getByRole('button', { name: 'Run: SDK blocked' }).click();
  await page.waitForURL('/lab?said=started');
  // No other run can be started meanwhile, and the page is refreshed without a reload.
  await visitor.ready();
  await expect(page.getByRole('button', { name: 'Run all disturbances' })).toBeDisabled();
  await page.evaluate(() => document.documentElement.setAttribute('data-same-document', ''));
  const outcome = item.locator('.lab-outcome');
  await expect(outcome).toHaveAttribute('data-clean', 'true', { timeout: 90_000 });
  await expect(page.locator('html')).toHaveAttribute('data-same-document', '');
  await expect(page.getByRole('button', { name: 'Run all disturbances' })).toBeEnabled();
  await expect(page.locator('.lab-state')).toContainText(/clean/);

  await outcome.getByText('What is explained, and why').click();
  await expect(outcome.locator('li[data-outcome="explained"]').first()).toContainText('The SDK never ran in session');
  await expect(outcome.locator('li[data-outcome="broken"]')).toHaveCount(0);
  await expectAccessible(page, '/lab with a result');

  await outcome.getByRole('link', { name: 'Timeline' }).click();
  await page.waitForURL(/\/timeline\?find=/);
  await expect(page.getByRole('region', { name: 'Verdict' })).toHaveAttribute('data-clean', 'true');
  await expect(page.locator('li[data-event="Trial converted"]')).toBeVisible();
});

test('the two users of a shared laptop have separate timelines', async ({ visitor, page }) => {
  await visitor.goto('/lab');
  const item = page.locator('li[data-disturbance="shared-laptop"]');
  await item.getByRole('button', { name: 'Run: Shared laptop' }).click();
  await page.waitForURL('/lab?said=started');
  await expect(item.locator('.lab-outcome')).toHaveAttribute('data-clean', 'true', { timeout: 90_000 });
  await expect(item.getByRole('link', { name: /^Timeline of/ })).toHaveCount(2);
});
