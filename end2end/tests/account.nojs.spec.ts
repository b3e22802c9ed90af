// An account without scripts: every form posts to its own page.

import { testLinksInAnotherBrowser } from '../fixtures/mail-links.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount, Visitor } from '../fixtures/visitor.ts';

const VERIFY = 'Confirm your email address';
const NEW = 'another horse battery staple';

test.beforeEach(({ complaints }) => {
  // The answer 422 for a page with errors is an error on the console.
  complaints.expect(/status of 422/);
});

test('an address is proven by a click', async ({ visitor, page, mailbox, collector }) => {
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  const link = await mailbox.linkIn(account.email, VERIFY);
  await visitor.goto(link);
  await expect(page).toHaveURL('/verify');
  await visitor.submit();
  await page.waitForURL('/settings?done=verified');
  await expect(page.getByRole('status')).toContainText('Your address is confirmed.');
  const timeline = await collector.waitFor(user, 'Email verified');
  expect(timeline.find(({ name }) => name === 'Email verified')).toMatchObject({ device, session, plan: 'valid' });
  await visitor.goto(link);
  await expect(page.getByRole('heading', { name: 'This link has expired' })).toBeVisible();
});

testLinksInAnotherBrowser();

test('a forgotten password is set anew', async ({ visitor, page, mailbox }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/forgot');
  await visitor.fill({ email: 'not-an-address' });
  await visitor.submit();
  await expect(visitor.error('email')).toContainText('does not look like an email address');
  await expect(visitor.field('email')).toHaveValue('not-an-address');
  await visitor.fill({ email: account.email });
  await visitor.submit();
  await page.waitForURL('/forgot?done=sent');
  await visitor.goto(await mailbox.linkIn(account.email, 'Set a new password'));
  await visitor.fill({ password: 'short' });
  await visitor.submit();
  await expect(visitor.error('password')).toHaveText('Please use at least 10 characters.');
  await visitor.fill({ password: NEW });
  await visitor.submit();
  await page.waitForURL('/sign-in?done=reset');
  await visitor.signIn({ ...account, password: NEW });
});

test('password, address and logins', async ({ visitor, page, mailbox, browser, baseURL }) => {
  const account = newAccount();
  const fresh = newAccount();
  await visitor.signUp(account);
  const context = await browser.newContext({ baseURL, javaScriptEnabled: false });
  const phone = new Visitor(await context.newPage(), false);
  await phone.signIn(account);

  await visitor.goto('/settings');
  await expect(page.locator('.settings-logins li')).toHaveCount(2);
  await page.locator('.settings-logins').getByRole('button').click();
  await page.waitForURL('/settings?done=ended');
  await expect(page.locator('.settings-logins li')).toHaveCount(1);
  await phone.goto('/polls');
  await expect(phone.page).toHaveURL('/sign-in?next=/polls');

  await visitor.follow('Change password', '/settings/password');
  await visitor.fill({ current_password: 'not this one', password: NEW });
  await visitor.submit();
  await expect(visitor.error('current_password')).toHaveText('This is not your password. Please check it.');
  await visitor.fill({ current_password: account.password, password: NEW });
  await visitor.submit();
  await page.waitForURL('/settings?done=password');

  await visitor.follow('Change address', '/settings/email');
  await visitor.fill({ email: fresh.email, current_password: NEW });
  await visitor.submit();
  await page.waitForURL('/settings?done=email');
  await visitor.goto(await mailbox.linkIn(fresh.email, 'Confirm your new email address'));
  await visitor.submit();
  await page.waitForURL('/settings?done=verified');
  await phone.signIn({ email: fresh.email, password: NEW });
  await context.close();
});

test('an account is deleted', async ({ visitor, page, collector }) => {
  const account = newAccount();
  const before = await visitor.signUp(account);
  await collector.waitFor(before.user, 'Sign-up completed');
  await visitor.goto('/settings/delete');
  await visitor.submit();
  await expect(visitor.error('current_password')).toHaveText('Please fill this in.');
  await visitor.fill({ current_password: account.password });
  await visitor.submit();
  await page.waitForURL('/goodbye');
  expect((await visitor.tracked()).device).not.toBe(before.device);
  await expect.poll(() => collector.timelineOf(before.user)).toEqual([]);
  await visitor.goto('/settings');
  await expect(page).toHaveURL('/sign-in?next=/settings');
});
