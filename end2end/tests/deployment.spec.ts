// A tab that was opened before a deployment: its forms work, and its islands say that the page is older than the server.

import type { Page } from '@playwright/test';
import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

/** Makes a poll, and opens its voting page. */
async function openBallot(visitor: Visitor, page: Page): Promise<void> {
  await visitor.createPoll();
  await page.getByRole('link', { name: 'Vote', exact: true }).click();
  await page.waitForURL(/\/p\//);
  await visitor.ready();
}

test('forms work after the assets of the older build are deleted', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 404.*\/assets\//, /Refused to (apply|execute)/, /MIME type/);
  const { user } = await visitor.signUp();
  await openBallot(visitor, page);
  const path = new URL(page.url()).pathname;

  await page.route('**/assets/**', (route) => route.fulfill({ status: 404, body: 'Not found' }));
  await page.goto('/polls/new');
  await expect(page.locator('html[data-script]')).not.toBeAttached();
  await visitor.fill({ question: 'Still working?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await expect(page.getByRole('heading', { name: 'Still working?' })).toBeVisible();
  await page.goto(path);
  await page.getByLabel('Soup').check();
  await page.getByRole('button', { name: 'Vote', exact: true }).click();
  await expect(page.getByText(/^You have voted/)).toBeVisible();
  await expect(page.locator('.poll-votes')).toHaveText(['1 vote', '0 votes']);

  // The next document with assets fires the events that the server has confirmed.
  await page.unroute('**/assets/**');
  await visitor.goto('/polls');
  const timeline = await collector.waitFor(user, 'Poll created', 'Poll created', 'Vote cast');
  expect(named(timeline, 'Vote cast')).toHaveLength(1);
});

test('an island without its server function asks for a reload, and keeps the choice', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 404.*\/api\/vote/);
  const { user } = await visitor.signUp();
  await openBallot(visitor, page);
  await page.route('/api/vote*', (route) =>
    route.fulfill({ status: 404, headers: { 'x-seam-outdated': '1' }, body: 'There is no such function.' }),
  );
  await page.getByLabel('Salad').check();
  await page.getByRole('button', { name: 'Vote', exact: true }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'This page is older than the server.' });
  await expect(alert).toBeVisible();
  await expect(page.getByLabel('Salad')).toBeChecked();
  await expect(page.locator('.poll-votes')).toHaveText(['0 votes', '0 votes']);

  // The page of the newer build works.
  await page.unroute('/api/vote*');
  const loaded = page.waitForEvent('load');
  await alert.getByRole('link', { name: 'Load it again' }).click();
  await loaded;
  await visitor.ready();
  await page.getByLabel('Salad').check();
  await page.getByRole('button', { name: 'Vote', exact: true }).click();
  await expect(page.getByText('Your vote is in.')).toBeVisible();
  const timeline = await collector.waitFor(user, 'Vote cast');
  expect(named(timeline, 'Vote cast')).toHaveLength(1);
});
