// The landing page can be read without scripts.

import { expect, test } from '../fixtures/test.ts';

test('the landing page is readable without scripts', async ({ page }) => {
  const answer = await page.goto('/');
  expect(answer?.status()).toBe(200);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('html[data-script]')).not.toBeAttached();
});
