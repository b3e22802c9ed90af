// Field case 9 without script: every time is in UTC, and says so.

import { expect, test } from '../fixtures/test.ts';

test.use({ timezoneId: 'America/New_York' });

test('case 9: times are entered and shown in UTC', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/billing');
  await expect(page.locator('.billing-plan time')).toHaveText(/^\d+ \w+ \d{4} \(UTC\)$/);
  await visitor.goto('/polls/new');
  await expect(page.getByLabel('Closing time (UTC)')).toBeVisible();
  await visitor.fill({ question: 'When?', 'option-0': 'a', 'option-1': 'b', closes_at: '2099-07-15T10:00' });
  await visitor.submit();
  await expect(page.getByText('closes 2099-07-15, 10:00 UTC')).toBeVisible();
  await page.getByRole('link', { name: 'When?' }).click();
  await expect(page.locator('.poll-turnout')).toContainText('Closes 2099-07-15, 10:00 UTC');
});
