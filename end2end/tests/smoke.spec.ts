// The landing page comes alive: it hydrates, and nothing on the way is refused or reported by the browser.

import { expect, test } from '@playwright/test';

declare global {
  interface Window {
    violations: string[];
  }
}

test('the landing page hydrates without an error or a refusal', async ({ page }) => {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (violation) => {
      window.violations.push(`${violation.violatedDirective}: ${violation.blockedURI}`);
    });
  });

  await page.goto('/');
  await expect(page.locator('html[data-hydrated]')).toBeAttached();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();

  expect(await page.evaluate(() => window.violations)).toEqual([]);
  expect(complaints).toEqual([]);
});
