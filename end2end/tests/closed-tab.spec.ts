// (f) The tab is closed right after a click: the confirmed client event arrives once, now or with the next document.

import type { Page } from '@playwright/test';
import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';

const moments: Record<string, (page: Page) => Promise<unknown>> = {
  'when the next document begins': (page) => page.waitForURL('/polls?done=created', { waitUntil: 'commit' }),
  'when the next document is complete': (page) => page.waitForURL('/polls?done=created'),
};

for (const [moment, comes] of Object.entries(moments)) {
  test(`the tab is closed ${moment}`, async ({ visitor, page, newTab, collector }) => {
    const { user, device, session } = await visitor.signUp();
    await collector.waitFor(user, 'Page Viewed /polls');
    await visitor.goto('/polls/new');
    await visitor.fill({ question: 'Gone already?', 'option-0': 'Yes', 'option-1': 'No' });
    const close = await visitor.closer();
    const come = comes(page);
    await visitor.submit();
    await come;
    await close();

    const next = await newTab();
    await next.goto('/polls');
    await expect(next.page.getByRole('heading', { name: 'Gone already?' })).toHaveCount(1);
    await collector.waitFor(user, 'Poll created');

    // A later page view has arrived, and so has every event before it.
    await next.goto('/timeline');
    const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
    expect(named(timeline, 'Poll created')).toMatchObject([{ source: 'browser', user, device, session, plan: 'valid' }]);
  });
}

test('a tab that is closed before the answer has no event without a poll', async ({ visitor, page, newTab, collector }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Page Viewed /polls');
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Gone at once?', 'option-0': 'Yes', 'option-1': 'No' });
  const close = await visitor.closer();
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await page.locator('main button[type=submit]').click({ noWaitAfter: true });
  await sent;
  await close();

  // The browser may have dropped the request, or the answer with the confirmed event.
  const next = await newTab();
  await next.goto('/polls');
  const made = await next.page.getByRole('heading', { name: 'Gone at once?' }).count();
  await next.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(timeline, 'Poll created').length).toBeLessThanOrEqual(made);
});

test('the tab is closed before the SDK has loaded', async ({ visitor, page, context, newTab, collector }) => {
  const { key, user, device, session } = await visitor.signUp();
  await collector.waitFor(user, 'Page Viewed /polls');
  // The SDK never loads, so the page is closed before it can fire the confirmed event.
  await page.route(/\/vendor\//, () => undefined);
  await page.goto('/polls/new', { waitUntil: 'commit' });
  await visitor.fill({ question: 'Gone early?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await expect(page.getByRole('heading', { name: 'Gone early?' })).toBeVisible();
  await (await visitor.closer())();

  // The next visit is in another session.
  await context.clearCookies({ name: 'seam_session' });
  await context.clearCookies({ name: `AMP_${key.slice(0, 10)}` });
  const next = await newTab();
  await next.goto('/polls');
  const later = await next.tracked();
  expect(later.session).toBeGreaterThan(session);
  await collector.waitFor(user, 'Poll created');
  await next.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(timeline, 'Poll created')).toMatchObject([{ source: 'browser', user, device, session, plan: 'valid' }]);
  expect(timeline.at(-1)).toMatchObject({ label: 'Page Viewed /timeline', session: later.session });
});
