// The pictures of the README. `make screenshots` takes them. Each test run takes them into the folder of results, so that the
// command keeps working.

import { randomUUID } from 'node:crypto';
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';
import { Visitor } from '../fixtures/visitor.ts';

const folder = process.env.SCREENSHOTS ?? 'test-results/screenshots';

test.use({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  // No element is hovered.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled' });
}

test('the pictures of the README', async ({ visitor, page, browser, newTab, collector, stripe }) => {
  test.slow();
  await stripe.webhooks({});
  await visitor.goto('/');
  const { user } = await visitor.signUp({
    email: `ada.${randomUUID().slice(0, 4)}@example.com`,
    password: 'correct horse battery staple',
  });
  await visitor.createPoll('Where do we have lunch on Friday?', ['The market hall', 'Soup around the corner', 'We bring our own']);
  await page.getByRole('link', { name: 'Results and sharing' }).click();
  await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  await visitor.ready();
  const poll = page.url().split('/').at(-1);
  for (const choice of ['The market hall', 'Soup around the corner', 'The market hall', 'The market hall', 'We bring our own']) {
    const context = await browser.newContext();
    const friend = new Visitor(await context.newPage(), true);
    await friend.goto(`/p/${poll}`);
    await friend.page.getByLabel(choice).check();
    await friend.page.getByRole('button', { name: 'Vote' }).click();
    await expect(friend.page.getByText('Your vote is in.')).toBeVisible();
    await context.close();
  }
  await expect(page.locator('.poll-votes')).toHaveText(['3 votes', '1 vote', '1 vote']);
  await take(page, 'poll');

  // The start page is open while a trial starts in another tab.
  const start = await newTab();
  await start.page.setViewportSize({ width: 1280, height: 800 });
  await start.goto('/');
  await visitor.startTrial();
  await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  await expect(start.page.locator('.landing-timeline [data-event="Trial started"]')).toBeVisible();
  await take(start.page, 'landing');
  await start.page.close();

  await visitor.goto('/walk');
  await take(page, 'walk');

  await visitor.goto(`/timeline?find=${user}`);
  const session = page.locator('.timeline-session', { has: page.locator('[data-event="Trial started"]') });
  await expect(session).toBeVisible();
  await session.evaluate((group) => scrollBy(0, group.getBoundingClientRect().top - 24));
  await take(page, 'timeline');
  await page.emulateMedia({ colorScheme: 'dark' });
  await take(page, 'timeline-dark');
});
