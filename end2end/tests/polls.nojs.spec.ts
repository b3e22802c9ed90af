// Polls without script: making, editing, sharing, voting, closing, deleting, restoring and exporting are forms and links.

import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

async function openPoll(visitor: Visitor, page: Page, question: string): Promise<string> {
  await visitor.goto('/polls');
  await page.getByRole('link', { name: question, exact: true }).click();
  await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  return page.url().split('/').at(-1) ?? '';
}

test('a poll from creation to restoration', async ({ visitor, page, browser }) => {
  await visitor.signUp();
  await visitor.createPoll('Lunch?', ['Soup', 'Salad']);
  const poll = await openPoll(visitor, page, 'Lunch?');
  await visitor.follow('Edit this poll', `/polls/${poll}/edit`);
  await visitor.fill({ question: 'Dinner?', 'option-2': 'Bread' });
  await visitor.submit();
  await page.waitForURL(`/polls/${poll}?done=edited`);
  await expect(page.getByRole('status').getByText('Your changes are saved.')).toBeVisible();
  await expect(page.getByLabel('Link for voters')).toHaveValue(new URL(`/p/${poll}`, page.url()).href);

  const voter = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await voter.goto(`/p/${poll}`);
  await voter.getByRole('button', { name: 'Vote' }).click();
  await expect(voter.getByText('Please choose an option.')).toBeVisible();
  await voter.getByLabel('Bread').check();
  await voter.getByRole('button', { name: 'Vote' }).click();
  await expect(voter.getByText('You have voted. You can change your vote until the poll closes.')).toBeVisible();
  await expect(voter.getByLabel('Bread')).toBeChecked();
  await voter.getByLabel('Soup').check();
  await voter.getByRole('button', { name: 'Change my vote' }).click();
  await expect(voter.locator('.poll-votes')).toHaveText(['1 vote', '0 votes', '0 votes']);

  await page.reload();
  await expect(page.getByText('1 person has voted')).toBeVisible();
  await page.getByText('Close this poll').click();
  await page.getByRole('button', { name: 'Close it now' }).click();
  await expect(page.getByText('Closed: no more votes')).toBeVisible();
  await page.getByRole('button', { name: 'Delete this poll' }).click();
  await page.waitForURL(`/polls?deleted=${poll}`);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.waitForURL('/polls?done=restored');
  await expect(page.getByText('The poll is back.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Dinner?' })).toBeVisible();
});

test('a full plan is refused with the reason, and keeps the input', async ({ visitor, page, complaints }) => {
  complaints.expect(/status of 422/);
  await visitor.signUp();
  for (const question of ['1?', '2?', '3?']) await visitor.createPoll(question);
  await visitor.goto('/polls/new');
  await expect(page.getByText('You have three open polls')).toBeVisible();
  await visitor.fill({ question: '4?', 'option-0': 'a', 'option-1': 'b' });
  await visitor.submit();
  await expect(page.getByText('Your plan has room for 3 open polls.')).toBeVisible();
  await expect(visitor.field('question')).toHaveValue('4?');
  await page.getByText('Closing time').click();
  await expect(page.getByText('Close polls on time')).toBeVisible();
});

test('search and states are links and a form', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.createPoll('Lunch?');
  await visitor.createPoll('Dinner?');
  await page.getByLabel('Search in your questions').fill('LUNCH');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page.getByRole('heading', { name: 'Lunch?' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Dinner?' })).toBeHidden();
  await page.getByRole('link', { name: 'Closed 0' }).click();
  await expect(page.getByText('No poll matches your search.')).toBeVisible();
});
