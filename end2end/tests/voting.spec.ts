// Voting by a link: with an account and without, one vote per voter, and live results in every open tab.

import type { Browser, Page } from '@playwright/test';
import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { Visitor, newAccount } from '../fixtures/visitor.ts';

/** A poll of another user, in a browser of their own: its owner's page, which is open, and the path of its voting page. */
async function pollOfAnotherUser(
  browser: Browser,
  options = ['Soup', 'Salad', 'Bread'],
): Promise<{ path: string; owner: Page }> {
  const owner = await (await browser.newContext()).newPage();
  const visitor = new Visitor(owner, true);
  await visitor.goto('/sign-up');
  await visitor.signUp();
  await visitor.createPoll('Lunch?', options);
  await owner.getByRole('link', { name: 'Lunch?', exact: true }).click();
  await owner.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  await visitor.ready();
  return { path: `/p/${owner.url().split('/').at(-1)}`, owner };
}

async function close(owner: Page): Promise<void> {
  await owner.getByText('Close this poll').click();
  await owner.getByRole('button', { name: 'Close it now' }).click();
  await expect(owner.getByText('Closed: no more votes')).toBeVisible();
}

async function vote(page: Page, option: string): Promise<void> {
  await page.getByLabel(option).check();
  await page.getByRole('button', { name: /^(Vote|Change my vote)$/ }).click();
  await expect(page.getByText('Your vote is in.')).toBeVisible();
}

test('a vote is shown at once on every open page, and no row moves', async ({ visitor, page, browser }) => {
  const { path, owner } = await pollOfAnotherUser(browser);
  const before = await owner.locator('.poll-bars li').last().boundingBox();
  await visitor.goto(path);
  await vote(page, 'Salad');
  for (const one of [page, owner]) {
    await expect(one.locator('.poll-votes')).toHaveText(['0 votes', '1 vote', '0 votes']);
    await expect(one.locator('.poll-share')).toHaveText(['0 %', '100 %', '0 %']);
    await expect(one.getByText('1 person has voted')).toBeVisible();
  }
  expect(await owner.locator('.poll-bars li').last().boundingBox()).toEqual(before);
  // With a vote the poll can no longer be edited.
  await expect(owner.getByRole('link', { name: 'Edit this poll' })).toBeHidden();

  // The vote is changed with the keyboard.
  await page.getByLabel('Salad').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(owner.locator('.poll-votes')).toHaveText(['0 votes', '0 votes', '1 vote']);
  await expect(owner.getByText('1 person has voted')).toBeVisible();
  await page.reload();
  await visitor.ready();
  await expect(page.getByLabel('Bread')).toBeChecked();
  await expect(page.getByText('You have voted. You can change your vote until the poll closes.')).toBeVisible();

  await close(owner);
  await expect(page.getByText('You have voted. This poll is closed.')).toBeVisible();
  await expect(page.getByLabel('Soup')).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Change my vote' })).toBeHidden();
});

test('an empty ballot is refused, and is no event', async ({ visitor, page, browser, collector }) => {
  const { path } = await pollOfAnotherUser(browser);
  await visitor.goto(path);
  const { device } = await visitor.tracked();
  await page.getByRole('button', { name: 'Vote' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Please choose an option.' })).toBeVisible();
  await vote(page, 'Soup');
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(device, 'Vote cast', 'Page Viewed /timeline');
  expect(named(timeline, 'Vote cast')).toHaveLength(1);
});

test('a vote on a poll that was closed in the meantime is refused, and is no event', async ({
  visitor,
  page,
  browser,
  collector,
}) => {
  const { path, owner } = await pollOfAnotherUser(browser);
  // This page gets no live updates.
  await page.route('**/p/*/live', (route) => route.fulfill({ status: 204 }));
  await visitor.goto(path);
  const { device } = await visitor.tracked();
  await close(owner);
  await page.getByLabel('Soup').check();
  await page.getByRole('button', { name: 'Vote' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'This poll is closed.' })).toBeVisible();
  await visitor.goto('/timeline');
  const timeline = await collector.waitFor(device, 'Page Viewed /timeline');
  expect(named(timeline, 'Vote cast')).toEqual([]);
});

test('an open page shows that the poll was deleted, and may ask for results again without an error', async ({
  visitor,
  page,
  browser,
}) => {
  const { path, owner } = await pollOfAnotherUser(browser);
  await visitor.goto(path);
  await owner.getByRole('button', { name: 'Delete this poll' }).click();
  await owner.waitForURL('/polls?deleted=*');
  await expect(page.locator('.poll-turnout')).toContainText('Deleted');
  // An error on the console would fail the test.
  const state = await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const feed = new EventSource(url);
        feed.addEventListener('error', () => resolve(feed.readyState));
      }),
    `${path}/live`,
  );
  expect(state, 'closed').toBe(2);
});

test('votes before signing up belong to the user afterwards', async ({ visitor, page, browser, collector }) => {
  const { path } = await pollOfAnotherUser(browser);
  await visitor.goto(path);
  const { device, session } = await visitor.tracked();
  await vote(page, 'Bread');
  await collector.waitFor(device, 'Vote cast');
  const { user } = await visitor.signUp();
  await visitor.goto(path);
  await expect(page.getByLabel('Bread')).toBeChecked();
  await vote(page, 'Soup');

  const timeline = await collector.waitFor(user, 'Sign-up completed', 'Vote cast', 'Vote cast');
  await collector.expectOnePerson(user, device);
  const votes = named(timeline, 'Vote cast');
  expect(votes.map(({ properties }) => properties.changed)).toEqual([false, true]);
  expect(votes).toMatchObject([
    { device, session, plan: 'valid' },
    { device, session, user, plan: 'valid' },
  ]);

  // The next user of this laptop is another voter.
  await visitor.signOut();
  await visitor.goto(path);
  await expect(page.getByLabel('Soup')).not.toBeChecked();
  await expect(page.getByText('1 person has voted')).toBeVisible();
});

test('an account has one vote in all its browsers', async ({ visitor, page, browser }) => {
  const { path } = await pollOfAnotherUser(browser);
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.goto(path);
  await vote(page, 'Soup');

  const second = await (await browser.newContext()).newPage();
  const elsewhere = new Visitor(second, true);
  await elsewhere.goto(path);
  await vote(second, 'Salad');
  await expect(page.getByText('2 people have voted')).toBeVisible();
  // After signing in it is the same voter: the account's vote counts.
  await elsewhere.goto('/sign-in');
  await elsewhere.signIn(account);
  await elsewhere.goto(path);
  await expect(second.getByLabel('Soup')).toBeChecked();
  await expect(second.getByText('1 person has voted')).toBeVisible();
  await expect(page.getByText('1 person has voted')).toBeVisible();
});

test('a poll that allows several answers', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Which days?', 'option-0': 'Monday', 'option-1': 'Tuesday', 'option-2': 'Friday' });
  await page.getByLabel('Voters may choose several').check();
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await page.getByRole('link', { name: 'Vote', exact: true }).click();
  await page.waitForURL(/\/p\//);
  await visitor.ready();
  await page.getByLabel('Monday').check();
  await vote(page, 'Friday');
  await expect(page.locator('.poll-share')).toHaveText(['100 %', '0 %', '100 %']);
  await page.reload();
  await visitor.ready();
  await expect(page.getByLabel('Monday')).toBeChecked();
  await expect(page.getByLabel('Tuesday')).not.toBeChecked();
});

test('an open ballot of a poll that is edited asks for a reload, and its vote is refused', async ({
  visitor,
  page,
  browser,
  collector,
}) => {
  const { path, owner } = await pollOfAnotherUser(browser);
  await visitor.goto(path);
  const { device } = await visitor.tracked();
  await page.getByLabel('Salad').check();
  const editor = new Visitor(owner, true);
  await editor.goto(`/polls/${path.split('/').at(-1)}/edit`);
  await editor.fill({ 'option-1': 'Rice' });
  await editor.submit();
  const notice = page.getByText('This poll was changed while you looked at it. Load it again.');
  await expect(notice).toBeVisible();
  // The ballot is for the options that the page shows.
  await page.getByRole('button', { name: 'Vote' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'This poll was changed while you looked at it.' })).toBeVisible();

  await page.getByRole('link', { name: 'Load it again' }).click();
  await expect(page.locator('.poll-label')).toHaveText(['Soup', 'Rice', 'Bread']);
  await visitor.ready();
  await expect(notice).toBeHidden();
  for (const option of ['Soup', 'Rice', 'Bread']) await expect(page.getByLabel(option)).not.toBeChecked();
  await vote(page, 'Rice');
  const timeline = await collector.waitFor(device, 'Vote cast');
  expect(named(timeline, 'Vote cast')).toHaveLength(1);
});

test('twenty tabs of one poll load and can vote', async ({ page, context, browser, newTab, collector }) => {
  test.slow();
  const { path } = await pollOfAnotherUser(browser);
  // Headless tabs are all visible: hide those in the background, as a browser does.
  await context.addInitScript(() => {
    let state: DocumentVisibilityState = 'visible';
    Object.defineProperty(document, 'visibilityState', { get: () => state });
    Object.defineProperty(document, 'hidden', { get: () => state === 'hidden' });
    addEventListener('test-visibility', (event) => {
      state = (event as CustomEvent<DocumentVisibilityState>).detail;
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    });
  });
  const become = (tab: Page, state: DocumentVisibilityState): Promise<unknown> =>
    tab.evaluate((detail) => dispatchEvent(new CustomEvent('test-visibility', { detail })), state);
  await page.close();
  const tabs: Visitor[] = [];
  for (let count = 0; count < 20; count += 1) {
    const tab = await newTab();
    const last = tabs.at(-1);
    if (last) await become(last.page, 'hidden');
    await tab.goto(path);
    await expect(tab.page.locator('html[data-islands=started]')).toBeAttached();
    await vote(tab.page, count % 2 === 0 ? 'Soup' : 'Salad');
    tabs.push(tab);
  }
  const [first, last] = [tabs[0]!, tabs.at(-1)!];
  await expect(first.page.locator('.poll-votes'), 'a hidden tab has no feed').toHaveText(['1 vote', '0 votes', '0 votes']);
  // A tab that becomes visible shows the missed votes.
  await become(last.page, 'hidden');
  await become(first.page, 'visible');
  await expect(first.page.locator('.poll-votes')).toHaveText(['0 votes', '1 vote', '0 votes']);
  await expect(first.page.getByText('1 person has voted')).toBeVisible();
  await vote(first.page, 'Bread');

  const { device } = await first.tracked();
  const timeline = await collector.waitFor(device, ...Array<string>(21).fill('Vote cast'));
  const votes = named(timeline, 'Vote cast');
  expect(votes.map(({ properties }) => properties.changed)).toEqual([false, ...Array<boolean>(20).fill(true)]);
});

test('the page of an unknown poll is not found', async ({ visitor, page, complaints }) => {
  complaints.expect(/status of 404/);
  const answer = await visitor.goto('/p/2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11');
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
});
