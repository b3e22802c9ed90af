// The timeline page: the verdict, the proof of an event, filters in the URL, a live tail that can be paused, and exports.

import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';

/** A rule in the verdict. */
function ruling(page: Page, rule: string) {
  return page.locator(`.timeline-rules > li[data-rule="${rule}"]`);
}

test('person, verdict and an event are in the first screen', async ({ visitor, collector, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await page.setViewportSize({ width: 1280, height: 800 });
  await visitor.goto('/timeline');
  await expect(page.locator('#person > summary')).toContainText(user);
  for (const part of ['#person > summary', '#verdict > summary']) {
    await expect(page.locator(part)).toBeInViewport({ ratio: 1 });
  }
  await expect(page.locator('li[data-event]').first()).toBeInViewport({ ratio: 1 });
});

test('the verdict is above the events, and holds while events arrive', async ({ visitor, collector, newTab }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  const { page } = visitor;
  const verdict = page.getByRole('region', { name: 'Verdict' });
  await expect(verdict).toHaveAttribute('data-clean', 'true');
  await expect(page.locator('.timeline-rules'), 'the rules are loaded when they are opened').toHaveCount(0);
  await verdict.locator('summary').first().click();
  await expect(page.locator('.timeline-rules > li')).toHaveCount(14);
  await expect(ruling(page, 'plan valid')).toContainText('holds for 1');

  const other = await newTab();
  await other.createPoll();
  // The page is refreshed, and the verdict stays open.
  await expect(ruling(page, 'plan valid')).toContainText('holds for 2');
  await expect(ruling(page, 'plan valid')).toBeVisible();
  await expect(verdict).toHaveAttribute('data-clean', 'true');

  const metrics = page.locator('#session-metrics');
  await metrics.getByText('Session metrics: stitched and unstitched').click();
  await expect(metrics.getByRole('row', { name: /Events out of session/ })).toContainText('01');
  const merged = page.locator('#merged-history');
  await merged.getByText('Merged anonymous history').click();
  await expect(merged.getByRole('link', { name: 'Sign-up completed' })).toBeVisible();
});

test('a card that is opened during a refresh stays filled', async ({ visitor, collector, newTab, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  await collector.waitFor(user, 'Page Viewed /timeline');
  await visitor.ready();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/timeline\?refresh/, async (route) => {
    const response = await route.fetch();
    await held;
    await route.fulfill({ response });
  });
  const refreshed = page.waitForRequest(/\/timeline\?refresh/);
  const other = await newTab();
  await other.createPoll();
  await refreshed;

  const rules = page.locator('.timeline-rules > li');
  const line = page.locator('#verdict > summary');
  await line.click();
  await expect(rules).toHaveCount(14);
  release();
  await expect(page.locator('li[data-event="Poll created"]')).toBeVisible();
  await expect(rules).toHaveCount(14);
  await expect(line).toBeFocused();
});

test('a filtered view has a URL, and each view is one page view', async ({ visitor, collector, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  await collector.waitFor(user, 'Page Viewed /timeline');
  await expect(page.locator('li[data-event]').first()).toBeVisible();
  await page.getByLabel('Source').selectOption('server');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/\/timeline\?.*source=server/);
  await visitor.ready();
  await expect(page.locator('li.browser[data-event]')).toHaveCount(0);
  await expect(page.locator('li[data-event="Sign-up completed"]')).toBeVisible();
  await page.getByLabel('Event', { exact: true }).selectOption('Sign-up completed');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/event=Sign-up\+completed&source=server/);
  await visitor.ready();
  await expect(page.locator('li[data-event]')).toHaveCount(1);
  // The same view from its URL.
  await visitor.goto(page.url());
  await expect(page.getByLabel('Source')).toHaveValue('server');
  await expect(page.locator('li[data-event]')).toHaveCount(1);
  await page.getByRole('link', { name: 'Show everything' }).click();
  await page.waitForURL('/timeline');
  await expect(page.locator('li.browser[data-event]').first()).toBeVisible();
  await visitor.ready();
  const views = Array<string>(5).fill('Page Viewed /timeline');
  await collector.waitFor(user, ...views);
  await visitor.goto('/polls');
  const timeline = await collector.waitFor(user, 'Page Viewed /polls', 'Page Viewed /polls');
  expect(
    timeline.filter((event) => event.label === 'Page Viewed /timeline'),
    'one for each document',
  ).toHaveLength(5);
});

test('the live tail adds events, and counts them while it is paused', async ({ visitor, collector, newTab, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Page Viewed /polls');
  await visitor.goto('/timeline');
  await collector.waitFor(user, 'Page Viewed /timeline');
  const created = page.locator('li[data-event="Poll created"]');
  const other = await newTab();
  await other.createPoll();
  await expect(created).toHaveCount(1);
  await expect(page.locator('#count')).toHaveText(/^\d+ events$/);
  // All of the other tab's events are shown.
  const { length } = await collector.timelineOf(user);
  await expect(page.locator('li[data-event]')).toHaveCount(length);

  const pause = page.locator('.timeline-bar button');
  await expect(pause).toHaveText('Pause');
  await pause.click();
  await expect(pause).toHaveText('Resume');
  await other.createPoll('Dinner?');
  const arrived = await collector.waitFor(user, 'Poll created', 'Poll created', ...Array<string>(2).fill('Page Viewed /polls/new'));
  await expect(pause).toHaveText(/^Show \d+ new events$/);
  await expect(created).toHaveCount(1);
  await expect(page.locator('li[data-event]')).toHaveCount(length);
  const added = (await collector.waitFor(user, ...Array<string>(3).fill('Page Viewed /polls'))).length - length;
  expect(added).toBeGreaterThanOrEqual(arrived.length - length);
  await expect(pause).toHaveText(`Show ${added} new events`);
  await pause.click();
  await expect(pause).toHaveText('Pause');
  await expect(created).toHaveCount(2);
  await expect(page.locator('li[data-event]')).toHaveCount(length + added);
});

test('an opened event stays open while events arrive', async ({ visitor, collector, newTab, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  await collector.waitFor(user, 'Page Viewed /timeline');
  const signUp = page.locator('li[data-event="Sign-up completed"]');
  await signUp.locator('summary').first().click();
  await expect(signUp.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
  await signUp.getByText('Raw JSON').click();
  await expect(signUp.locator('pre')).toContainText(`sign-up:${user}`);
  await signUp.locator('summary').first().focus();
  await page.locator('#person > summary').click();

  const other = await newTab();
  await other.createPoll();
  await expect(page.locator('li[data-event="Poll created"]')).toBeVisible();
  await expect(signUp.locator('details').first()).toHaveAttribute('open');
  await expect(signUp.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
  await expect(signUp.locator('pre')).toBeVisible();
  await expect(page.locator('#person')).toHaveAttribute('open');
});

test('an event proves its IDs, and has a URL', async ({ visitor, collector, page, context }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visitor.goto('/timeline');
  const event = page.locator('li[data-event="Sign-up completed"]');
  await event.locator('summary').first().click();
  await expect(event.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
  await expect(event.locator('.event-chain > li')).toHaveCount(2);
  await event.getByRole('button', { name: 'Copy JSON' }).click();
  await expect(event.getByRole('button', { name: 'Copied' })).toBeVisible();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as Record<string, unknown>;
  expect(copied.$insert_id).toBe(`sign-up:${user}`);

  const view = page.locator('li[data-event="[Amplitude] Page Viewed"]').first();
  await view.locator('summary').first().click();
  await expect(view.getByRole('heading', { name: 'Context collected by the SDK' })).toBeVisible();
  await expect(view.getByText(/^\d+x\d+$/).first()).toBeVisible();

  await event.getByRole('link', { name: 'Link to this event' }).click();
  await page.waitForURL(/\/timeline\?at=/);
  await visitor.ready();
  await expect(event.locator('details').first()).toHaveAttribute('open');
  await expect(event.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
});

test('reading an event does not extend the session', async ({ visitor, collector, page, context }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/timeline');
  const cookie = async () => (await context.cookies()).find(({ name }) => name === 'seam_session')?.value;
  const before = await cookie();
  const event = page.locator('li[data-event="Sign-up completed"]');
  await event.locator('summary').first().click();
  await expect(event.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
  expect(await cookie()).toBe(before);
});

test('the view is exported as JSON and CSV', async ({ visitor, collector, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/timeline?source=server');
  for (const [name, begins] of [['JSON', '[{'], ['CSV', '\ufeffevent_time,event,']] as const) {
    const downloaded = page.waitForEvent('download');
    await page.locator('.timeline-files').getByRole('link', { name }).click();
    const file = await downloaded;
    expect(file.suggestedFilename()).toBe(`timeline-${user}.${name.toLowerCase()}`);
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text.startsWith(begins)).toBe(true);
    expect(text).toContain('Sign-up completed');
    expect(text).not.toContain('Page Viewed');
  }
});
