// The walk without scripts: the page shows which steps are done, the panel links to it, and the landing page links to the
// timeline.

import { expect, test } from '../fixtures/test.ts';

test('the walk needs no script', async ({ visitor, page, collector }) => {
  await visitor.goto('/');
  await expect(page.locator('.landing-timeline')).toContainText('An example.');
  await expect(page.locator('.landing-timeline noscript a[href="/timeline"]')).toBeVisible();
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  const panel = page.getByRole('complementary', { name: 'Guided walk' });
  await panel.getByText('Guided walk').click();
  await panel.getByRole('link', { name: 'All six steps' }).click();
  await page.waitForURL('/walk');
  const step = page.locator('li[data-step="sign-up"]');
  await expect(step).toHaveAttribute('data-status', 'done');
  await expect(step).toContainText('server session');
  await step.getByRole('link', { name: 'Sign-up completed' }).click();
  await page.waitForURL(/\/timeline\?find=/);
  await expect(page.locator('li[data-event="Sign-up completed"] details').first()).toHaveAttribute('open');
});
