// The disturbance lab without script: the form starts a run, and loading the page again shows its result.

import { expect, test } from '../fixtures/test.ts';

test.describe.configure({ timeout: 180_000 });

test('a run is started by a form, and shown by loading the page again', async ({ visitor, page }) => {
  await visitor.goto('/lab');
  await page.getByRole('button', { name: 'Run: Webhooks duplicated' }).click();
  await page.waitForURL('/lab?said=started');
  const outcome = page.locator('li[data-disturbance="webhooks-duplicated"] .outcome');
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
