// (f) The tab is closed right after a click: what the click did is told now or with the next visit, once.

import type { Page } from '@playwright/test';
import { named } from '../fixtures/story.ts';
import { expect, test } from '../fixtures/test.ts';

const moments: Record<string, (page: Page) => Promise<unknown>> = {
  'at once': async () => undefined,
  'when the server has answered': (page) => page.waitForResponse('/api/create_poll*'),
  'when the answer shows': (page) => page.waitForURL('/polls'),
};

for (const [moment, comes] of Object.entries(moments)) {
  test(`the tab is closed ${moment}`, async ({ visitor, page, newTab, collector }) => {
    const { user, device, session } = await visitor.signUp();
    await collector.waitFor(user, 'Page Viewed /polls');
    await visitor.goto('/polls/new');
    await visitor.fill({ question: 'Gone already?', 'option-0': 'Yes', 'option-1': 'No' });
    const sent = page.waitForRequest('/api/create_poll*');
    const come = comes(page);
    await visitor.submit();
    await Promise.all([sent, come]);
    await page.close({ runBeforeUnload: false });

    // Others have the poll at once, whoever hears of it.
    const next = await newTab();
    await expect(async () => {
      await next.goto('/polls');
      await expect(next.page.getByRole('heading', { name: 'Gone already?' })).toHaveCount(1, { timeout: 1_000 });
    }).toPass();
    await collector.waitFor(user, 'Poll created');

    // A later page view has arrived: whatever was to come has come.
    await next.goto('/timeline');
    const story = await collector.waitFor(user, 'Page Viewed /timeline');
    expect(named(story, 'Poll created')).toMatchObject([{ source: 'browser', user, device, session, plan: 'valid' }]);
  });
}

test('the tab is closed before the SDK could load', async ({ visitor, page, context, newTab, collector }) => {
  const { key, user, device, session } = await visitor.signUp();
  await collector.waitFor(user, 'Page Viewed /polls');
  // Neither the app nor the SDK is there: a plain form post, and a page that is closed before it can tell of it.
  await page.route(/\/pkg\/.*\.wasm|\/vendor\//, () => undefined);
  await page.goto('/polls/new', { waitUntil: 'commit' });
  await visitor.fill({ question: 'Gone early?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await expect(page.getByRole('heading', { name: 'Gone early?' })).toBeVisible();
  await page.close({ runBeforeUnload: false });

  // The next visit is one of another session.
  await context.clearCookies({ name: 'seam_session' });
  await context.clearCookies({ name: `AMP_${key.slice(0, 10)}` });
  const next = await newTab();
  await next.goto('/polls');
  const later = await next.tracked();
  expect(later.session).toBeGreaterThan(session);
  await collector.waitFor(user, 'Poll created');
  await next.goto('/timeline');
  const story = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(story, 'Poll created')).toMatchObject([{ source: 'browser', user, device, session, plan: 'valid' }]);
  expect(story.at(-1)).toMatchObject({ label: 'Page Viewed /timeline', session: later.session });
});
