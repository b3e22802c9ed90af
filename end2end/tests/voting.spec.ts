// Voting by a link: without an account and with one, once each, and live for everybody who looks.

import type { Browser, Page } from '@playwright/test';
import { named } from '../fixtures/story.ts';
import { expect, test } from '../fixtures/test.ts';
import { Visitor, newAccount } from '../fixtures/visitor.ts';

/** Somebody else, in a browser of their own, whose poll everybody here votes on; the path of its voting page. */
async function somebodysPoll(browser: Browser, options = ['Soup', 'Salad', 'Bread']): Promise<{ path: string; owner: Page }> {
  const owner = await (await browser.newContext()).newPage();
  const visitor = new Visitor(owner, true);
  await visitor.goto('/sign-up');
  await visitor.signUp();
  await visitor.createPoll('Lunch?', options);
  await owner.getByRole('link', { name: 'Lunch?', exact: true }).click();
  await owner.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  return { path: `/p/${owner.url().split('/').at(-1)}`, owner };
}

async function vote(page: Page, option: string): Promise<void> {
  await page.getByLabel(option).check();
  await page.getByRole('button', { name: /^(Vote|Change my vote)$/ }).click();
  await expect(page.getByText('Your vote is in.')).toBeVisible();
}

test('a vote shows everywhere at once, and nothing moves', async ({ visitor, page, browser }) => {
  const { path, owner } = await somebodysPoll(browser);
  await expect(owner.locator('html[data-hydrated]')).toBeAttached();
  const before = await owner.locator('.bars li').last().boundingBox();
  await visitor.goto(path);
  await vote(page, 'Salad');
  for (const one of [page, owner]) {
    await expect(one.locator('.bars .votes')).toHaveText(['0 votes', '1 vote', '0 votes']);
    await expect(one.locator('.bars .share')).toHaveText(['0 %', '100 %', '0 %']);
    await expect(one.getByText('1 person has voted')).toBeVisible();
  }
  expect(await owner.locator('.bars li').last().boundingBox()).toEqual(before);

  // Changed, from the keyboard alone.
  await page.getByLabel('Salad').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(owner.locator('.bars .votes')).toHaveText(['0 votes', '0 votes', '1 vote']);
  await expect(owner.getByText('1 person has voted')).toBeVisible();
  await page.reload();
  await visitor.ready();
  await expect(page.getByLabel('Bread')).toBeChecked();
  await expect(page.getByText('You have voted. You can change your vote until the poll closes.')).toBeVisible();

  await owner.getByText('Close this poll').click();
  await owner.getByRole('button', { name: 'Close it now' }).click();
  await expect(page.getByText('You have voted. This poll is closed.')).toBeVisible();
  await expect(page.getByLabel('Soup')).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Change my vote' })).toBeHidden();
});

test('an empty ballot is told so, and is no event', async ({ visitor, page, browser, collector }) => {
  const { path } = await somebodysPoll(browser);
  await visitor.goto(path);
  const { device } = await visitor.tracked();
  await page.getByRole('button', { name: 'Vote' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Please choose an option.' })).toBeVisible();
  await vote(page, 'Soup');
  await visitor.goto('/timeline');
  const story = await collector.waitFor(device, 'Vote cast', 'Page Viewed /timeline');
  expect(named(story, 'Vote cast')).toHaveLength(1);
});

test('a vote on a poll that was closed meanwhile is refused, and is no event', async ({ visitor, page, browser, collector }) => {
  const { path, owner } = await somebodysPoll(browser);
  // This page hears nothing of what happens elsewhere.
  await page.route('**/p/*/live', (route) => route.fulfill({ status: 204 }));
  await visitor.goto(path);
  const { device } = await visitor.tracked();
  await owner.getByText('Close this poll').click();
  await owner.getByRole('button', { name: 'Close it now' }).click();
  await expect(owner.getByText('Closed: no more votes')).toBeVisible();
  await page.getByLabel('Soup').check();
  await page.getByRole('button', { name: 'Vote' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'This poll is closed.' })).toBeVisible();
  await visitor.goto('/timeline');
  const story = await collector.waitFor(device, 'Page Viewed /timeline');
  expect(named(story, 'Vote cast')).toEqual([]);
});

test('votes before signing up are part of the person afterwards', async ({ visitor, page, browser, collector }) => {
  const { path } = await somebodysPoll(browser);
  await visitor.goto(path);
  const { device, session } = await visitor.tracked();
  await vote(page, 'Bread');
  await collector.waitFor(device, 'Vote cast');
  const { user } = await visitor.signUp();
  await visitor.goto(path);
  await expect(page.getByLabel('Bread')).toBeChecked();
  await vote(page, 'Soup');

  const story = await collector.waitFor(user, 'Sign-up completed', 'Vote cast', 'Vote cast');
  await collector.expectOnePerson(user, device);
  const votes = named(story, 'Vote cast');
  expect(votes.map(({ properties }) => properties.changed)).toEqual([false, true]);
  expect(votes).toMatchObject([
    { device, session, plan: 'valid' },
    { device, session, user, plan: 'valid' },
  ]);

  // Whoever comes next on this laptop is somebody else.
  await visitor.signOut();
  await visitor.goto(path);
  await expect(page.getByLabel('Soup')).not.toBeChecked();
  await expect(page.getByText('1 person has voted')).toBeVisible();
});

test('somebody with an account has one vote in all their browsers', async ({ visitor, page, browser }) => {
  const { path } = await somebodysPoll(browser);
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.goto(path);
  await vote(page, 'Soup');

  const second = await (await browser.newContext()).newPage();
  const elsewhere = new Visitor(second, true);
  await elsewhere.goto(path);
  await vote(second, 'Salad');
  await expect(page.getByText('2 people have voted')).toBeVisible();
  // It was the same person: the account's vote holds.
  await elsewhere.goto('/sign-in');
  await elsewhere.signIn(account);
  await elsewhere.goto(path);
  await expect(second.getByLabel('Soup')).toBeChecked();
  await expect(second.getByText('1 person has voted')).toBeVisible();
  await expect(page.getByText('1 person has voted')).toBeVisible();
});

test('several answers where the poll takes them', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Which days?', 'option-0': 'Monday', 'option-1': 'Tuesday', 'option-2': 'Friday' });
  await page.getByLabel('Voters may choose several').check();
  await visitor.submit();
  await page.waitForURL('/polls');
  await page.getByRole('link', { name: 'Vote', exact: true }).click();
  await page.waitForURL(/\/p\//);
  await visitor.ready();
  await page.getByLabel('Monday').check();
  await vote(page, 'Friday');
  await expect(page.locator('.bars .share')).toHaveText(['100 %', '0 %', '100 %']);
  await page.reload();
  await visitor.ready();
  await expect(page.getByLabel('Monday')).toBeChecked();
  await expect(page.getByLabel('Tuesday')).not.toBeChecked();
});

test('a poll that is edited while somebody looks is drawn anew, with nothing ticked', async ({ visitor, page, browser }) => {
  const { path, owner } = await somebodysPoll(browser);
  await visitor.goto(path);
  await page.getByLabel('Salad').check();
  const editor = new Visitor(owner, true);
  await editor.goto(`/polls/${path.split('/').at(-1)}/edit`);
  await editor.fill({ 'option-1': 'Rice' });
  await editor.submit();
  await expect(page.locator('.bars .label')).toHaveText(['Soup', 'Rice', 'Bread']);
  await expect(page.getByLabel('Rice')).not.toBeChecked();
  await vote(page, 'Rice');
});

test('there is no such poll', async ({ visitor, page, complaints }) => {
  complaints.expect(/status of 404/);
  const answer = await visitor.goto('/p/2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11');
  expect(answer?.status()).toBe(404);
  await expect(page.getByText('There is no page here')).toBeVisible();
});
