// The timeline as an analyst uses it: the verdict, the proof of an event, filters in the URL, a tail that can be held, and
// files to take along.

import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';

/** The verdict's line of a rule. */
function ruling(page: Page, rule: string) {
  return page.locator(`.rules > li[data-rule="${rule}"]`);
}

test('the verdict stands above the story, and holds while it grows', async ({ visitor, collector, newTab }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  const { page } = visitor;
  const verdict = page.getByRole('region', { name: 'Verdict' });
  await expect(verdict).toHaveAttribute('data-clean', 'true');
  await expect(page.locator('.rules > li')).toHaveCount(12);
  await expect(ruling(page, 'plan valid')).toContainText('holds for 1');

  const other = await newTab();
  await other.createPoll();
  // It is judged anew by itself.
  await expect(ruling(page, 'plan valid')).toContainText('holds for 2');
  await expect(verdict).toHaveAttribute('data-clean', 'true');
  const worth = page.getByRole('region', { name: 'What the stitching is worth' });
  await expect(worth.getByRole('row', { name: /Events out of session/ })).toContainText('01');
  const joined = page.getByRole('region', { name: 'Before anybody was known' });
  await expect(joined.getByRole('link', { name: 'Sign-up completed' })).toBeVisible();
});

test('filters stand in the URL, and are no page views', async ({ visitor, collector, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  await collector.waitFor(user, 'Page Viewed /timeline');
  await expect(page.locator('li[data-event]').first()).toBeVisible();
  await page.getByLabel('Source').selectOption('server');
  await page.waitForURL('/timeline?source=server');
  await expect(page.locator('li[data-source=browser]')).toHaveCount(0);
  await expect(page.locator('li[data-event="Sign-up completed"]')).toBeVisible();
  await page.getByLabel('Event', { exact: true }).selectOption('Sign-up completed');
  await page.waitForURL('/timeline?event=Sign%2Dup%20completed&source=server');
  await expect(page.locator('li[data-event]')).toHaveCount(1);
  // The same view from its address.
  await visitor.goto(page.url());
  await expect(page.getByLabel('Source')).toHaveValue('server');
  await expect(page.locator('li[data-event]')).toHaveCount(1);
  await page.getByRole('link', { name: 'Show everything' }).click();
  await expect(page.locator('li[data-source=browser]').first()).toBeVisible();
  const story = await collector.waitFor(user, 'Page Viewed /timeline', 'Page Viewed /timeline', 'Page Viewed /timeline');
  const views = story.filter((event) => event.label === 'Page Viewed /timeline');
  expect(views, 'one for each document').toHaveLength(3);
});

test('a tail that is held keeps what arrives', async ({ visitor, collector, newTab, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Page Viewed /polls');
  await visitor.goto('/timeline');
  await collector.waitFor(user, 'Page Viewed /timeline');
  const created = page.locator('li[data-event="Poll created"]');
  await page.getByRole('button', { name: 'Pause' }).click();
  const other = await newTab();
  await other.createPoll();
  const show = page.getByRole('button', { name: /Show \d+ new events?/ });
  await expect(show).toBeVisible();
  await collector.waitFor(user, 'Poll created');
  await expect(created).toHaveCount(0);
  await show.click();
  await expect(created).toBeVisible();
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
});

test('an event proves its IDs, and has an address', async ({ visitor, collector, page, context }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visitor.goto('/timeline');
  const event = page.locator('li[data-event="Sign-up completed"]');
  await event.locator('summary').first().click();
  await expect(event.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
  await expect(event.locator('.chain > li')).toHaveCount(2);
  await event.getByRole('button', { name: 'Copy JSON' }).click();
  await expect(event.getByRole('button', { name: 'Copied' })).toBeVisible();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as Record<string, unknown>;
  expect(copied.$insert_id).toBe(`sign-up:${user}`);

  const view = page.locator('li[data-event="[Amplitude] Page Viewed"]').first();
  await view.locator('summary').first().click();
  await expect(view.getByRole('heading', { name: 'Context that came for free' })).toBeVisible();
  await expect(view.getByText(/^\d+x\d+$/).first()).toBeVisible();

  await event.getByRole('link', { name: 'Link to this event' }).click();
  await page.waitForURL(/\/timeline\?at=/);
  await visitor.ready();
  await expect(event.locator('details').first()).toHaveAttribute('open');
  await expect(event.getByRole('heading', { name: 'Stitch proof' })).toBeVisible();
});

test('the view can be taken along', async ({ visitor, collector, page }) => {
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/timeline?source=server');
  for (const [name, begins] of [['JSON', '[{'], ['CSV', 'event_time,event,']] as const) {
    const come = page.waitForEvent('download');
    await page.locator('.files').getByRole('link', { name }).click();
    const file = await come;
    expect(file.suggestedFilename()).toBe(`timeline-${user}.${name.toLowerCase()}`);
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text.startsWith(begins)).toBe(true);
    expect(text).toContain('Sign-up completed');
    expect(text).not.toContain('Page Viewed');
  }
});
