// axe finds nothing on any page, light and dark, narrow and wide, and no page is wider than its window.

import { expectAccessible } from '../fixtures/accessible.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

// Each page is analysed four times, and the machine may be busy.
test.describe.configure({ timeout: 180_000 });

test.beforeEach(({ complaints }) => {
  // The answer 422 for a page with errors is an error on the console.
  complaints.expect(/status of 422/);
});

for (const path of ['/', '/sign-up', '/sign-in', '/forgot', '/reset', '/verify', '/goodbye', '/pricing', '/timeline', '/nowhere']) {
  test(`${path} of a visitor`, async ({ visitor, page, complaints }) => {
    if (path === '/nowhere') complaints.expect(/status of 404/);
    await visitor.goto(path);
    await expectAccessible(page, path);
  });
}

test('a sign-up with errors', async ({ visitor, page }) => {
  await visitor.goto('/sign-up');
  await visitor.fill({ email: 'not-an-address' });
  await visitor.submit();
  await expect(visitor.error('email')).toBeVisible();
  await expectAccessible(page, 'sign-up');
});

test('a sign-in with an error', async ({ visitor, page }) => {
  await visitor.goto('/sign-in');
  await visitor.fill({ email: 'unknown@example.com', password: 'not this one' });
  await visitor.submit();
  await expect(page.getByRole('alert')).toContainText('not right');
  await expectAccessible(page, 'sign-in');
});

test('the pages of a new user', async ({ visitor, page }) => {
  await visitor.signUp();
  await expectAccessible(page, 'no polls yet');
  await visitor.goto('/');
  await expectAccessible(page, '/');
});

test('making a poll', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.submit();
  await expect(visitor.error('question')).toBeVisible();
  await expectAccessible(page, '/polls/new with errors');
  await visitor.createPoll();
  await expectAccessible(page, '/polls');
});

test('prices, Checkout, and a trial', async ({ visitor, page, stripe }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.goto('/billing');
  await expectAccessible(page, '/billing without a plan');
  await visitor.goto('/pricing');
  await expectAccessible(page, '/pricing');
  await visitor.startTrial();
  await expectAccessible(page, '/billing/return');
  await visitor.goto('/billing');
  await expectAccessible(page, '/billing on trial');
  await stripe.giveCard(account.email, 'pm_card_visa');
  await visitor.press('Jump to the end of the trial');
  await visitor.expectBilling('active');
  await expectAccessible(page, '/billing, active');
  await visitor.press('Cancel subscription');
  await visitor.expectBilling('canceled');
  await expectAccessible(page, '/billing, canceled');
});

test('a poll, for its owner and for voters', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.createPoll('Which of these very long and thoughtful questions do you mean?', ['Soup', 'W'.repeat(100)]);
  await page.getByRole('link', { name: 'Results and sharing' }).click();
  await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  await page.getByText('Export results as CSV').click();
  await page.getByText('Close this poll').click();
  await expect(page.getByRole('button', { name: 'Close it now' })).toBeVisible();
  await expectAccessible(page, 'a poll, for its owner');
  await page.getByRole('link', { name: 'Open the voting page' }).click();
  await page.waitForURL(/\/p\//);
  await visitor.ready();
  await page.getByRole('button', { name: 'Vote' }).click();
  await expect(page.getByText('Please choose an option.')).toBeVisible();
  await expectAccessible(page, 'voting');
});

test('a full plan and a deleted poll', async ({ visitor, page }) => {
  await visitor.signUp();
  for (const question of ['1?', '2?', '3?']) await visitor.createPoll(question);
  await visitor.goto('/polls/new');
  await expect(page.getByText('You have three open polls')).toBeVisible();
  await expectAccessible(page, 'a full plan');
  await visitor.goto('/polls');
  await page.getByRole('link', { name: '3?', exact: true }).click();
  await page.getByRole('button', { name: 'Delete this poll' }).click();
  await page.waitForURL('/polls?deleted=*');
  await expect(page.getByRole('button', { name: 'Undo' })).toBeVisible();
  await expectAccessible(page, 'a deleted poll');
  await visitor.goto('/polls?state=deleted');
  await expectAccessible(page, 'deleted polls');
});

test('settings, links and mails', async ({ visitor, page, mailbox }) => {
  const account = newAccount();
  await visitor.signUp(account);
  for (const path of ['/settings', '/settings/email', '/settings/password', '/settings/delete']) {
    await visitor.goto(path);
    await expectAccessible(page, path);
  }
  await visitor.submit();
  await expect(visitor.error('current_password')).toBeVisible();
  await expectAccessible(page, '/settings/delete with an error');
  await visitor.goto(await mailbox.linkIn(account.email, 'Confirm your email address'));
  await expect(page.getByRole('heading', { name: 'Is this your address?' })).toBeVisible();
  await expectAccessible(page, '/verify with a link');
  await visitor.goto('/mailbox');
  await expectAccessible(page, '/mailbox');
});

test('operations', async ({ visitor, page, stripe }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.startTrial();
  const customer = await stripe.customerOf(account.email);
  await visitor.goto('/operations');
  const webhook = page.locator('li[data-webhook]', { hasText: customer }).first();
  await webhook.getByText('Payload').click();
  await expect(webhook.locator('pre')).toBeVisible();
  await expectAccessible(page, '/operations');
  for (const path of ['/operations/revenue', '/operations/campaigns', '/operations/sessions']) {
    await visitor.goto(path);
    await expectAccessible(page, path);
  }
});

test('an address without a page', async ({ page, complaints }) => {
  complaints.expect(/status of 405/);
  await page.goto('/sign-out');
  await expect(page.getByRole('heading', { name: 'Method not allowed' })).toBeVisible();
  await expect(page).toHaveTitle('Method not allowed · Seamline');
  await expectAccessible(page, 'a failure');
});

test('a timeline with open events', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  await visitor.createPoll();
  await collector.waitFor(user, 'Sign-up completed', 'Poll created');
  await visitor.goto('/timeline');
  for (const name of ['Sign-up completed', 'Poll created']) {
    const event = page.locator(`li[data-event="${name}"]`);
    await event.locator('summary').first().click();
    await event.getByText('Raw JSON').click();
    await expect(event.locator('pre')).toBeVisible();
  }
  await expectAccessible(page, '/timeline');
});
