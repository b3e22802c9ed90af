// The disturbance lab: a scripted user goes through the product while something goes wrong, and the lab shows the verdict
// on the timeline.

import { expectAccessible } from '../fixtures/accessible.ts';
import { expect, test } from '../fixtures/test.ts';

// A run takes some seconds, and axe analyses the page four times.
test.describe.configure({ timeout: 180_000 });

test('a run with the SDK blocked is followed live, and its findings are explained', async ({ visitor, page }) => {
  await visitor.goto('/');
  await page.getByRole('link', { name: 'Disturbance lab' }).click();
  await page.waitForURL('/lab');
  await expect(page.getByRole('heading', { level: 1, name: 'Disturbance lab' })).toBeVisible();

  const bench = page.locator('li[data-disturbance="sdk-blocked"]');
  await bench.getByRole('button', { name: 'Run: SDK blocked' }).click();
  await page.waitForURL('/lab?said=started');
  // While it runs nothing else can be started, and the page is kept current without being loaded again.
  await visitor.ready();
  await expect(page.getByRole('button', { name: 'Run all disturbances' })).toBeDisabled();
  await page.evaluate(() => document.documentElement.setAttribute('data-same-document', ''));
  const outcome = bench.locator('.outcome');
  await expect(outcome).toHaveAttribute('data-clean', 'true', { timeout: 90_000 });
  await expect(page.locator('html')).toHaveAttribute('data-same-document', '');
  await expect(page.getByRole('button', { name: 'Run all disturbances' })).toBeEnabled();
  await expect(page.locator('.lab-state')).toContainText(/clean/);

  await outcome.getByText('What is explained, and why').click();
  await expect(outcome.locator('li[data-standing="explained"]').first()).toContainText('The SDK never ran in session');
  await expect(outcome.locator('li[data-standing="broken"]')).toHaveCount(0);
  await expectAccessible(page, '/lab with a result');

  await outcome.getByRole('link', { name: 'Timeline' }).click();
  await page.waitForURL(/\/timeline\?find=/);
  await expect(page.getByRole('region', { name: 'Verdict' })).toHaveAttribute('data-clean', 'true');
  await expect(page.locator('li[data-event="Trial converted"]')).toBeVisible();
});

test('two users of one laptop have a timeline each', async ({ visitor, page }) => {
  await visitor.goto('/lab');
  const bench = page.locator('li[data-disturbance="shared-laptop"]');
  await bench.getByRole('button', { name: 'Run: Shared laptop' }).click();
  await page.waitForURL('/lab?said=started');
  await expect(bench.locator('.outcome')).toHaveAttribute('data-clean', 'true', { timeout: 90_000 });
  await expect(bench.getByRole('link', { name: /^Timeline of/ })).toHaveCount(2);
});
