// (e) A form that is sent before the page is alive does its work, and its client event arrives exactly once; so it does
// when the page is alive, and not at all when nothing was done.

import type { Page } from '@playwright/test';
import type { Collector } from '../fixtures/collector.ts';
import { named } from '../fixtures/story.ts';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

test('a poll sent before hydration is made, and told once', async ({ visitor, page, context, collector }) => {
  const { user, device, session } = await visitor.signUp();
  const release = await holdScripts(page);
  await openEarly(visitor, '/polls/new');
  await visitor.fill({ question: 'Too early?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await expect(page.getByRole('heading', { name: 'Too early?' })).toBeVisible();
  const { confirmed } = await visitor.boot();
  expect(confirmed).toMatchObject([{ name: 'Poll created' }]);

  // The shim does not wait for the app.
  const [created] = named(await collector.waitFor(user, 'Poll created'), 'Poll created');
  expect(created).toMatchObject({ source: 'browser', user, device, session, plan: 'valid' });
  expect(created).toMatchObject({ insertId: confirmed[0]?.insertId, time: confirmed[0]?.time });
  expect(created?.insertId).toBe(`poll-created:${created?.properties.poll_id}`);

  release();
  await visitor.ready();
  // It has arrived, so the next documents leave it out.
  await expect.poll(async () => (await context.cookies()).map((cookie) => cookie.name)).not.toContain('seam_confirmed');
  await page.reload();
  await visitor.ready();
  expect((await visitor.boot()).confirmed).toEqual([]);
  await toldOnceByNow(visitor, collector, user);
  await expect(page.getByRole('heading', { name: 'Too early?' })).toHaveCount(0);
  await visitor.goto('/polls');
  await expect(page.getByRole('heading', { name: 'Too early?' })).toHaveCount(1);
});

test('a poll with a fault sent before hydration, mended and sent again', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 422/);
  const { user } = await visitor.signUp();
  const release = await holdScripts(page);
  await openEarly(visitor, '/polls/new');
  await visitor.fill({ question: 'One option?', 'option-0': 'Yes' });
  await visitor.submit();
  await expect(visitor.fault('option-1')).toHaveText('Please give at least 2 options.');
  await expect(visitor.field('question')).toHaveValue('One option?');
  await expect(visitor.field('option-0')).toHaveValue('Yes');
  await visitor.fill({ 'option-1': 'No' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await collector.waitFor(user, 'Poll created');
  release();
  await toldOnceByNow(visitor, collector, user);
});

test('an account made before hydration', async ({ visitor, page, collector }) => {
  await visitor.goto('/');
  const { device, session } = await visitor.tracked();
  const release = await holdScripts(page);
  await openEarly(visitor, '/sign-up');
  await visitor.fill({ email: `early.${device}@example.com`, password: 'correct horse battery staple' });
  await visitor.submit();
  await page.waitForURL('/polls');
  const { user } = await visitor.signedIn();
  release();
  const story = await collector.waitFor(user, 'Sign-up completed');
  expect(named(story, 'Sign-up completed')).toMatchObject([{ device, session }]);
});

test('a poll made on a live page is told once', async ({ visitor, page, collector }) => {
  const { user, device, session } = await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Lively?', 'option-0': 'Yes', 'option-1': 'No' });
  await page.locator('main button[type=submit]').dblclick();
  await page.waitForURL('/polls');
  await expect(page.getByRole('heading', { name: 'Lively?' })).toHaveCount(1);
  const [created] = named(await collector.waitFor(user, 'Poll created'), 'Poll created');
  expect(created).toMatchObject({ source: 'browser', user, device, session, plan: 'valid' });
  expect(created?.properties).toMatchObject({ option_count: 2, multiple_choice: false });
  await page.reload();
  await visitor.ready();
  await toldOnceByNow(visitor, collector, user);
});

test('a poll that is not made is not told', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/ERR_FAILED.*create_poll/, /status of 500.*create_poll/);
  const { user } = await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Not yet?' });
  await visitor.submit();
  await expect(visitor.fault('option-0')).toHaveText('Please give at least 2 options.');
  await visitor.fill({ 'option-0': 'Yes', 'option-1': 'No' });

  for (const failure of [{ status: 500, body: 'broken' }, 'no answer'] as const) {
    await page.route('/api/create_poll*', (route) =>
      failure === 'no answer' ? route.abort() : route.fulfill(failure),
    );
    await visitor.submit();
    await expect(page.getByRole('alert')).toContainText('Something went wrong on our side');
    await expect(visitor.field('option-1')).toHaveValue('No');
    await page.unroute('/api/create_poll*');
  }

  // What would have been tracked by now would arrive before this.
  await visitor.follow('Timeline', '/timeline');
  const story = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(story, 'Poll created')).toEqual([]);
});

/** Holds the app's wasm back until released, so that no page comes alive. The tracking shim is not held. */
async function holdScripts(page: Page): Promise<() => void> {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('/pkg/*.wasm', async (route) => {
    await released;
    // A page that has been left meanwhile no longer wants it.
    await route.continue().catch(() => undefined);
  });
  return release;
}

/** Opens a page whose scripts are held. */
async function openEarly(visitor: Visitor, path: string): Promise<void> {
  await visitor.page.goto(path, { waitUntil: 'domcontentloaded' });
  await expect(visitor.page.locator('html[data-hydrated]')).not.toBeAttached();
}

/** The SDK sends in order: once a later page view has arrived, whatever was to come has come. */
async function toldOnceByNow(visitor: Visitor, collector: Collector, user: string): Promise<void> {
  await visitor.goto('/');
  const story = await collector.waitFor(user, 'Page Viewed /');
  expect(named(story, 'Poll created')).toHaveLength(1);
}
