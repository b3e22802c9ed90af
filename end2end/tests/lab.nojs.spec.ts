// The disturbance lab without script: the form starts a run, and loading the page again shows its result.

import { expect, test } from '../fixtures/test.ts';

test.describe.configure({ timeout: 180_000 });

test('a form starts a run, and a reload shows its result', async ({ visitor, page }) => {
  await visitor.goto('/lab');
  await page.getByRole('button', { name: 'Run: Webhooks duplicated' }).click();
  await page.waitForURL('/lab?said=started');
  const outcome = page.locator('li[data-disturbance="webhooks-duplicated"] .lab-outcome');
  await expect
    .poll(
      async () => {
        await page.goto('/lab');
        return (await outcome.count()) > 0 && (await outcome.getAttribute('data-clean'));
      },
      { timeout: 90_000 },
    )
    .toBe('true');
  await expect(page.locator('.lab-state')).toContainText(/clean/);
});
