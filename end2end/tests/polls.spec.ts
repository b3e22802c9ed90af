// Polls as their owner uses them: each confirmed action is one event, under the owner's own IDs, and a refused action is
// none.

import type { Page } from '@playwright/test';
import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

/** Opens the poll's own page from the list, and returns the poll's ID. */
async function openPoll(visitor: Visitor, page: Page, question: string): Promise<string> {
  await visitor.goto('/polls');
  await page.getByRole('link', { name: question, exact: true }).click();
  await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  await visitor.ready();
  return page.url().split('/').at(-1) ?? '';
}

test('a poll from creation to restoration', async ({ visitor, page, collector }) => {
  const { user, device, session } = await visitor.signUp();
  await visitor.createPoll('Lunch?');
  const poll = await openPoll(visitor, page, 'Lunch?');
  await expect(page.getByText('No votes yet')).toBeVisible();

  await visitor.follow('Edit this poll', `/polls/${poll}/edit`);
  await expect(visitor.field('question')).toHaveValue('Lunch?');
  await visitor.fill({ question: 'Dinner?', 'option-2': 'Bread' });
  await visitor.submit();
  await page.waitForURL(`/polls/${poll}?done=edited`);
  await visitor.ready();
  const toast = page.locator('.toast-area');
  await expect(toast).toHaveText(/Your changes are saved\./);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(toast).toBeEmpty();
  await expect(page.getByRole('heading', { name: 'Dinner?' })).toBeVisible();
  await expect(page.locator('.poll-label')).toHaveText(['Soup', 'Salad', 'Bread']);

  await page.getByText('Close this poll').click();
  await page.getByRole('button', { name: 'Close it now' }).click();
  await page.waitForURL(`/polls/${poll}?done=closed`);
  await expect(page.getByText('Closed: no more votes')).toBeVisible();
  await expect(toast).toHaveText(/The poll is closed\./);
  await expect(page.getByRole('link', { name: 'Edit this poll' })).toBeHidden();

  await page.getByRole('button', { name: 'Delete this poll' }).click();
  await page.waitForURL(`/polls?deleted=${poll}`);
  await expect(toast, 'the message of the page before').toBeEmpty();
  await expect(page.getByText('The poll is deleted.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Dinner?' })).toBeHidden();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.waitForURL('/polls?done=restored');
  await expect(page.getByRole('heading', { name: 'Dinner?' })).toBeVisible();

  const events = ['Poll created', 'Poll edited', 'Poll closed', 'Poll deleted', 'Poll restored'];
  await collector.waitFor(user, ...events);
  // A later page view has arrived, so every earlier event has too.
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  for (const name of events) {
    expect(named(timeline, name), name).toMatchObject([{ source: 'browser', user, device, session, plan: 'valid' }]);
    expect(named(timeline, name)[0]?.properties).toMatchObject({ poll_id: poll });
  }
});

test('deleted polls are listed under their state', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.createPoll('Keep?');
  await visitor.createPoll('Drop?');
  await openPoll(visitor, page, 'Drop?');
  await page.getByRole('button', { name: 'Delete this poll' }).click();
  await page.waitForURL(/\/polls\?deleted=/);
  await page.getByRole('navigation', { name: 'Polls by state' }).getByRole('link', { name: 'Deleted 1' }).click();
  await page.waitForURL('/polls?state=deleted');
  await expect(page.getByRole('heading', { name: 'Drop?' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Keep?' })).toBeHidden();
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.waitForURL('/polls?done=restored');
  await expect(page.getByRole('heading', { name: 'Keep?' })).toBeVisible();
  await page.getByRole('link', { name: 'Open 2' }).click();
  await expect(page.getByRole('heading', { name: 'Drop?' })).toBeVisible();
  await page.getByRole('link', { name: 'Deleted 0' }).click();
  await expect(page.getByText('No poll matches your search.')).toBeVisible();
});

test('a search finds polls by the words of their questions', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.createPoll('Where to for Lunch?');
  await visitor.createPoll('100% sure?');
  await page.getByLabel('Search in your questions').fill('lunch');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.waitForURL('/polls?find=lunch');
  await expect(page.getByRole('heading', { name: 'Where to for Lunch?' })).toBeVisible();
  await expect(page.getByRole('heading', { name: '100% sure?' })).toBeHidden();
  await expect(page.getByLabel('Search in your questions')).toHaveValue('lunch');
  await visitor.goto('/polls?find=%25');
  await expect(page.getByRole('heading', { name: '100% sure?' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Where to for Lunch?' })).toBeHidden();
});

test('Free has three open polls, and a shown prompt is an event', async ({
  visitor,
  page,
  collector,
  complaints,
}) => {
  complaints.expect(/status of 422/);
  const { user } = await visitor.signUp();
  for (const question of ['1?', '2?', '3?']) await visitor.createPoll(question);
  await visitor.goto('/polls/new');
  await expect(page.getByText('You have three open polls')).toBeVisible();
  await expect(page.getByRole('link', { name: 'See Pro' })).toHaveAttribute('href', '/pricing');
  await visitor.fill({ question: '4?', 'option-0': 'a', 'option-1': 'b' });
  await visitor.submit();
  await expect(page.getByText('Your plan has room for 3 open polls.')).toBeVisible();
  await expect(visitor.field('question')).toHaveValue('4?');

  // The empty form and the refused one are two documents, and each shows the prompt.
  await collector.waitFor(user, 'Upgrade prompt shown', 'Upgrade prompt shown');
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(timeline, 'Upgrade prompt shown')).toMatchObject(
    [1, 2].map(() => ({ plan: 'valid', properties: { reason: 'open_poll_limit', surface: 'poll_form' } })),
  );
  expect(named(timeline, 'Poll created'), 'a refused poll is no event').toHaveLength(3);
});

test('a feature of Pro is folded on Free, and its prompt is an event once it is opened', async ({
  visitor,
  page,
  collector,
}) => {
  const { user } = await visitor.signUp();
  await visitor.createPoll('Lunch?');
  await visitor.goto('/polls/new');
  await page.getByText('Closing time').click();
  await expect(page.getByText('Close polls on time')).toBeVisible();
  // Once for each document.
  await page.getByText('Closing time').click();
  await page.getByText('Closing time').click();
  await openPoll(visitor, page, 'Lunch?');
  await page.getByText('Export results as CSV').click();
  await expect(page.getByText('Download your results')).toBeVisible();
  await collector.waitFor(user, 'Upgrade prompt shown', 'Upgrade prompt shown');
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  const prompts = named(timeline, 'Upgrade prompt shown').map(({ properties }) => [properties.reason, properties.surface]);
  expect(prompts).toEqual([
    ['closing_time', 'poll_form'],
    ['export', 'poll_results'],
  ]);
});

test('Pro sets closing times and exports', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 422/);
  const { user } = await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Until when?', 'option-0': '=1+1', 'option-1': 'b', closes_at: '2001-01-01T10:00' });
  await visitor.submit();
  await expect(visitor.error('closes_at')).toHaveText('This time has passed already. Please choose a later one.');
  await expect(visitor.field('closes_at')).toBeFocused();
  await visitor.fill({ closes_at: '2099-01-01T10:00' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await expect(page.getByText('closes 2099-01-01, 10:00 UTC')).toBeVisible();

  await openPoll(visitor, page, 'Until when?');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export results as CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^poll-.*\.csv$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toContain(`'=1+1,0,0.0\r\n`);
  const timeline = await collector.waitFor(user, 'Results exported');
  expect(named(timeline, 'Poll created')).toHaveLength(1);
  expect(named(timeline, 'Poll created')[0]?.properties).toMatchObject({ has_closing_time: true });
  expect(named(timeline, 'Results exported')).toHaveLength(1);
  expect(named(timeline, 'Results exported')[0]?.properties).toMatchObject({ format: 'csv', vote_count: 0 });
});

test('a link is shared when the clipboard has it, and not before', async ({ visitor, page, context, collector }) => {
  const { user } = await visitor.signUp();
  await visitor.createPoll('Share?');
  const poll = await openPoll(visitor, page, 'Share?');
  // The browser refuses.
  await page.evaluate(() => {
    navigator.clipboard.writeText = async () => Promise.reject(new Error('no'));
  });
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.locator('#share-said')).toHaveText(/Your browser does not allow copying\./);

  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.reload();
  await visitor.ready();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.locator('#share-said')).toHaveText('Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(new URL(`/p/${poll}`, page.url()).href);
  await collector.waitFor(user, 'Poll shared');
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(timeline, 'Poll shared').map(({ properties }) => properties)).toMatchObject([{ poll_id: poll, method: 'copy' }]);
});

test('a share sheet that is closed without sharing is no event', async ({ visitor, page, collector }) => {
  await page.addInitScript(() => {
    let tries = 0;
    Object.defineProperty(navigator, 'share', {
      value: async () => {
        tries += 1;
        if (tries === 1) throw new DOMException('closed', 'AbortError');
      },
    });
  });
  const { user } = await visitor.signUp();
  await visitor.createPoll('Share?');
  await openPoll(visitor, page, 'Share?');
  await page.getByRole('button', { name: 'Share…' }).click();
  await page.getByRole('button', { name: 'Share…' }).click();
  await expect(page.locator('#share-said')).toHaveText('Shared');
  await collector.waitFor(user, 'Poll shared');
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Page Viewed /timeline');
  expect(named(timeline, 'Poll shared').map(({ properties }) => properties.method)).toEqual(['share_sheet']);
});

test('a refused edit is no event, and keeps its input', async ({ visitor, page, newTab, collector, complaints }) => {
  complaints.expect(/status of 422/);
  const { user } = await visitor.signUp();
  await visitor.createPoll('Lunch?');
  const poll = await openPoll(visitor, page, 'Lunch?');
  await visitor.follow('Edit this poll', `/polls/${poll}/edit`);
  const other = await newTab();
  await other.goto(`/p/${poll}`);
  await other.page.getByLabel('Soup').check();
  await other.page.getByRole('button', { name: 'Vote' }).click();
  await expect(other.page.getByText('Your vote is in.')).toBeVisible();

  await visitor.fill({ question: 'Too late?' });
  await visitor.submit();
  await expect(page.getByRole('alert').filter({ hasText: 'it can no longer be changed' })).toBeFocused();
  await expect(visitor.field('question')).toHaveValue('Too late?');
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(user, 'Vote cast', 'Page Viewed /timeline');
  expect(named(timeline, 'Poll edited')).toEqual([]);
});
