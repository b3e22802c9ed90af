// The landing page loads without a complaint of the browser, and a complaint would be noticed.

import { expect, test } from '../fixtures/test.ts';

test('the landing page loads without a complaint', async ({ visitor, page }) => {
  await visitor.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('a violation of the page\'s policy is refused, and is a complaint', async ({ visitor, page, complaints }) => {
  complaints.expect(/Content Security Policy/);
  await visitor.goto('/');
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "inline"';
    document.head.append(script);
    void fetch('http://localhost:1/').catch(() => undefined);
  });
  await expect.poll(() => complaints.all().join('\n')).toMatch(/script-src[^]*connect-src/);
  await expect(page).not.toHaveTitle('inline');
});
