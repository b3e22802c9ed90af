// The landing page's small timeline, and the guided walk: steps are completed by the user's own events, and link to them.

import type { Page } from '@playwright/test';
import { expectAccessible } from '../fixtures/accessible.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount, Visitor } from '../fixtures/visitor.ts';

/** An event in the landing page's timeline. */
function onLanding(page: Page, text: string) {
  return page.locator('.landing-timeline[data-own=true] li[data-event]:visible').filter({ hasText: text });
}

/** A step of the walk. */
function step(page: Page, name: string) {
  return page.locator(`li[data-step="${name}"]`);
}

test('the small timeline shows the visitor\'s own events as they arrive', async ({ visitor, page, collector, newTab }) => {
  await visitor.goto('/');
  const { device, session } = await visitor.tracked();
  await expect(onLanding(page, 'Page Viewed /')).toHaveCount(1);
  const ids = page.locator('.landing-timeline dl');
  await expect(ids).toContainText(device);
  await expect(ids).toContainText(String(session));

  const other = await newTab();
  await other.goto('/pricing');
  await expect(onLanding(page, '/pricing')).toBeVisible();
  const { user } = await other.signUp();
  const signedUp = onLanding(page, 'Sign-up completed');
  await expect(signedUp).toHaveClass('server');
  await expect(ids).toContainText(user);
  // It shows a few events only.
  await other.createPoll();
  await expect(onLanding(page, 'Poll created')).toBeVisible();
  expect(await page.locator('.landing-timeline li[data-event]').count()).toBeLessThanOrEqual(6);

  await collector.waitFor(user, 'Poll created');
  await onLanding(page, 'Poll created').getByRole('link').click();
  await page.waitForURL(/\/timeline\?at=/);
  await visitor.ready();
  await expect(page.locator('li[data-event="Poll created"] details').first()).toHaveAttribute('open');
});

test('a visitor who declined tracking sees an example, and why', async ({ visitor, page }) => {
  await visitor.goto('/privacy');
  await page.getByRole('button', { name: 'Do not count my visit' }).click();
  await expect(page.getByText('You declined.')).toBeVisible();
  await visitor.ready();
  await visitor.goto('/');
  const timeline = page.locator('.landing-timeline');
  await expect(timeline).toContainText('You declined tracking');
  await expect(timeline).toContainText('Trial converted');
  await expect(page.locator('.landing-timeline li[data-event]')).toHaveCount(0);
});

test('steps are completed by the user\'s own events, and link to them', async ({ visitor, page, collector, browser, stripe }) => {
  await visitor.goto('/');
  await page.getByRole('contentinfo').getByRole('link', { name: 'Guided walk' }).click();
  await page.waitForURL('/walk');
  await expect(step(page, 'sign-up')).toHaveAttribute('data-status', 'next');
  await step(page, 'sign-up').getByRole('link', { name: 'To the sign-up form' }).click();
  await page.waitForURL('/sign-up');
  await visitor.ready();
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  await visitor.createPoll();
  await collector.waitFor(user, 'Sign-up completed', 'Poll created');

  await visitor.goto('/walk');
  await expect(step(page, 'sign-up')).toHaveAttribute('data-status', 'done');
  for (const id of [user, device, String(session), 'sdk cookie']) await expect(step(page, 'sign-up')).toContainText(id);
  // A poll without a friend's vote is not enough.
  await expect(step(page, 'friend-votes')).toHaveAttribute('data-status', 'begun');
  await step(page, 'friend-votes').getByRole('link', { name: 'To your poll' }).click();
  await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  const poll = page.url().split('/').at(-1) ?? '';

  const window = await browser.newContext({ baseURL: new URL(page.url()).origin });
  const friend = new Visitor(await window.newPage(), true);
  await friend.goto(`/p/${poll}`);
  const theirs = await friend.tracked();
  await friend.page.getByRole('radio', { name: 'Soup' }).check();
  await friend.page.getByRole('button', { name: 'Vote' }).click();
  await collector.waitFor(theirs.device, 'Vote cast');
  await window.close();

  await visitor.goto('/walk');
  await expect(step(page, 'friend-votes')).toHaveAttribute('data-status', 'done');
  await expect(step(page, 'friend-votes')).toContainText(theirs.device);
  await step(page, 'friend-votes').getByRole('link', { name: 'Vote cast' }).click();
  await page.waitForURL(/\/timeline\?find=/);
  await visitor.ready();
  await expect(page.locator('li[data-event="Vote cast"] details').first()).toHaveAttribute('open');

  await visitor.startTrial();
  await collector.waitFor(user, 'Trial started');
  await visitor.goto('/walk');
  await expect(step(page, 'trial')).toContainText('checkout handoff');
  expect(await stripe.subscriptionOf(account.email)).toMatchObject({ status: 'trialing' });
  await expect(step(page, 'trial-end')).toHaveAttribute('data-status', 'next');
  await expectAccessible(page, '/walk, half done');

  // After the sign-out the browser is another device, and the walk is still the user's.
  await visitor.goto('/walk');
  const after = await visitor.signOut();
  await collector.waitFor(user, 'Sign-out completed');
  await visitor.goto('/walk');
  await expect(page.getByText('You are signed out.')).toBeVisible();
  const left = step(page, 'sign-out');
  await expect(left).toHaveAttribute('data-status', 'done');
  for (const id of [user, device, after.device]) await expect(left).toContainText(id);
  await left.getByRole('link', { name: 'Sign-out completed' }).click();
  await page.waitForURL(/\/timeline\?find=/);
  await visitor.ready();
  await expect(page.locator('li[data-event="Sign-out completed"] details').first()).toHaveAttribute('open');
});

test('a cancellation counts in the portal only, and the end of the trial without the user', async ({ visitor, page, collector, stripe }) => {
  const account = newAccount();
  const { user, device } = await visitor.signUp(account);
  await visitor.startTrial();
  await visitor.press('Cancel trial');
  await collector.waitFor(user, 'Trial canceled');
  await visitor.goto('/walk');
  await expect(step(page, 'portal')).toHaveAttribute('data-status', 'begun');
  await visitor.press('Resume trial');
  await stripe.giveCard(account.email, 'pm_card_visa');
  await visitor.press('Jump to the end of the trial');
  await collector.waitFor(user, 'Trial converted');
  await visitor.goto('/walk');
  const end = step(page, 'trial-end');
  await expect(end).toHaveAttribute('data-status', 'done');
  await expect(end).toContainText('none by rule');
  await expect(end).not.toContainText(device);

  await visitor.press('Card and invoices');
  await page.getByRole('link', { name: 'Cancel subscription' }).click();
  await page.getByRole('button', { name: 'Cancel subscription' }).click();
  await collector.waitFor(user, 'Subscription canceled');
  await visitor.goto('/walk');
  await expect(step(page, 'portal')).toHaveAttribute('data-status', 'done');
  await expect(step(page, 'portal')).toContainText('portal visit');
});

test('the panel loads the next step once it is opened, and nothing before', async ({ visitor, page, collector }) => {
  const requests: string[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/walk') requests.push(request.url());
  });
  const { user } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/settings');
  expect(requests).toEqual([]);
  const panel = page.getByRole('complementary', { name: 'Guided walk' });
  await panel.getByText('Guided walk').click();
  await expect(panel.getByText('Let a friend vote in a private window')).toBeVisible();
  expect(requests.map((url) => new URL(url).search)).toEqual(['?refresh=']);
  await expectAccessible(page, '/settings with the panel open');
  await panel.getByRole('link', { name: 'Make a poll' }).click();
  await page.waitForURL('/polls/new');
  await panel.getByText('Guided walk').click();
  await panel.getByRole('link', { name: 'All six steps' }).click();
  await page.waitForURL('/walk');
  await expect(panel).toBeHidden();
});

test('/ and /walk of a new visitor are accessible', async ({ visitor, page }) => {
  await visitor.goto('/');
  await expect(onLanding(page, 'Page Viewed /')).toHaveCount(1);
  await expectAccessible(page, '/ with the visitor\'s own events');
  await visitor.goto('/walk');
  await expectAccessible(page, '/walk of a new visitor');
});
