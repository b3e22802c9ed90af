// (e) A form that is sent before the page's script has run works, and its client event arrives exactly once, fired by the
// next document. The same holds with the script, and a form that was refused has no event.

import type { Page } from '@playwright/test';
import type { Collector } from '../fixtures/collector.ts';
import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

test('a poll sent before the script is made, and its event is fired once', async ({ visitor, page, context, collector }) => {
  const { user, device, session } = await visitor.signUp();
  const release = await holdScript(page);
  await openEarly(visitor, '/polls/new');
  await visitor.fill({ question: 'Too early?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created', { waitUntil: 'commit' });
  await expect(page.getByRole('heading', { name: 'Too early?' })).toBeVisible();
  const { confirmed } = await visitor.boot();
  expect(confirmed).toMatchObject([{ name: 'Poll created' }]);

  release();
  await visitor.ready();
  const [created] = named(await collector.waitFor(user, 'Poll created'), 'Poll created');
  expect(created).toMatchObject({ source: 'browser', user, device, session, plan: 'valid' });
  expect(created).toMatchObject({ insertId: confirmed[0]?.insertId, time: confirmed[0]?.time });
  expect(created?.insertId).toBe(`poll-created:${created?.properties.poll_id}`);

  // It has arrived, so the next documents leave it out.
  await expect.poll(async () => (await context.cookies()).filter(({ name }) => name.startsWith('seam_confirmed'))).toEqual([]);
  await page.reload();
  await visitor.ready();
  expect((await visitor.boot()).confirmed).toEqual([]);
  await expectOneEvent(visitor, collector, user);
  await visitor.goto('/polls');
  await expect(page.getByRole('heading', { name: 'Too early?' })).toHaveCount(1);
});

test('a poll with an error sent before the script, corrected and sent again', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 422/);
  const { user } = await visitor.signUp();
  const release = await holdScript(page);
  await openEarly(visitor, '/polls/new');
  await visitor.fill({ question: 'One option?', 'option-0': 'Yes' });
  await visitor.submit();
  await expect(visitor.error('option-1')).toHaveText('Please give at least 2 options.');
  await expect(visitor.field('option-1')).toBeFocused();
  await expect(visitor.field('question')).toHaveValue('One option?');
  await expect(visitor.field('option-0')).toHaveValue('Yes');
  await visitor.fill({ 'option-1': 'No' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created', { waitUntil: 'commit' });
  release();
  await collector.waitFor(user, 'Poll created');
  await expectOneEvent(visitor, collector, user);
});

test('an account made before the script', async ({ visitor, page, collector }) => {
  await visitor.goto('/');
  const { device, session } = await visitor.tracked();
  const release = await holdScript(page);
  await openEarly(visitor, '/sign-up');
  await visitor.fill({ email: `early.${device}@example.com`, password: 'correct horse battery staple' });
  await visitor.submit();
  await page.waitForURL('/polls', { waitUntil: 'commit' });
  const { user } = await visitor.signedIn();
  release();
  const timeline = await collector.waitFor(user, 'Sign-up completed');
  expect(named(timeline, 'Sign-up completed')).toMatchObject([{ device, session }]);
});

test('a poll form that is submitted twice makes one poll with one event', async ({ visitor, page, collector }) => {
  const { user, device, session } = await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Twice?', 'option-0': 'Yes', 'option-1': 'No' });
  await page.locator('main button[type=submit]').dblclick();
  await page.waitForURL('/polls?done=created');
  await expect(page.getByRole('heading', { name: 'Twice?' })).toHaveCount(1);
  const [created] = named(await collector.waitFor(user, 'Poll created'), 'Poll created');
  expect(created).toMatchObject({ source: 'browser', user, device, session, plan: 'valid' });
  expect(created?.properties).toMatchObject({ option_count: 2, multiple_choice: false });
  await page.reload();
  await visitor.ready();
  await expectOneEvent(visitor, collector, user);
});

test('a poll that is not made has no event', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 422/, /status of 500/);
  const { user } = await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Not yet?' });
  await visitor.submitAndLoad();
  await expect(visitor.error('option-0')).toHaveText('Please give at least 2 options.');
  await visitor.fill({ 'option-0': 'Yes', 'option-1': 'No' });
  await page.route('/polls/new', (route) => route.fulfill({ status: 500, body: 'broken' }));
  await visitor.submit();
  await expect(page.getByText('broken')).toBeVisible();

  // An event of the poll would arrive before this page view.
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(timeline, 'Poll created')).toEqual([]);
});

/** Delays the page's script until it is released. */
async function holdScript(page: Page): Promise<() => void> {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/seam.js', async (route) => {
    await released;
    // The page may be gone by now.
    await route.continue().catch(() => undefined);
  });
  return release;
}

/** Opens a page whose script is held. */
async function openEarly(visitor: Visitor, path: string): Promise<void> {
  await visitor.page.goto(path, { waitUntil: 'commit' });
  await expect(visitor.page.locator('main button[type=submit]')).toBeVisible();
  await expect(visitor.page.locator('html[data-script]')).not.toBeAttached();
}

/** The SDK sends in order: once a later page view has arrived, earlier events have arrived. */
async function expectOneEvent(visitor: Visitor, collector: Collector, user: string): Promise<void> {
  await visitor.goto('/');
  const timeline = await collector.waitFor(user, 'Page Viewed /');
  expect(named(timeline, 'Poll created')).toHaveLength(1);
}
