// The timeline without scripts: filters are a form, and an event opens in a document of its own.

import { expect, test } from '../fixtures/test.ts';

test('filters, the verdict and an event', async ({ visitor, collector, page }) => {
  const { user } = await visitor.signUp();
  await visitor.signOut();
  await collector.waitFor(user, 'Sign-out completed');
  await visitor.goto(`/timeline?find=${user}`);
  await expect(page.getByRole('region', { name: 'Verdict' })).toHaveAttribute('data-clean', 'true');
  const verdict = page.locator('#verdict');
  await verdict.locator('summary').first().click();
  await verdict.getByRole('link', { name: 'Show the details' }).click();
  await expect(page).toHaveURL(/find=.*&open=verdict#verdict$/);
  await expect(page.locator('.timeline-rules > li').first()).toBeVisible();
  await expect(page.locator('li[data-event]')).toHaveCount(2);
  await expect(page.getByRole('button', { name: 'Pause' })).toBeHidden();

  await page.getByLabel('Event', { exact: true }).selectOption('Sign-up completed');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page).toHaveURL(new RegExp(`find=${user}&event=Sign-up\\+completed`));
  const event = page.locator('li[data-event]');
  await expect(event).toHaveCount(1);

  await event.locator('summary').click();
  await event.getByRole('link', { name: 'Everything about this event' }).click();
  await expect(page).toHaveURL(/at=/);
  const opened = page.locator('li[data-event="Sign-up completed"]');
  await expect(opened.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
  await expect(opened.getByText(`sign-up:${user}`, { exact: true }).first()).toBeVisible();
});
