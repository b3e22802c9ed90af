// A user's account: confirming an address, a forgotten password, changes, other logins, the data, and the deletion.

import { readFile } from 'node:fs/promises';
import { testLinksInAnotherBrowser } from '../fixtures/mail-links.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount, Visitor } from '../fixtures/visitor.ts';

const VERIFY = 'Confirm your email address';
const RESET = 'Set a new password';
const NEW = 'another horse battery staple';

test.beforeEach(({ complaints }) => {
  // The answer 422 for a page with errors is an error on the console.
  complaints.expect(/status of 422/);
});

test('an address is confirmed by a click, and the event has the session of the click', async ({ visitor, page, mailbox, collector }) => {
  const account = newAccount();
  const { user, device, session } = await visitor.signUp(account);
  await visitor.follow('Settings', '/settings');
  await expect(page.getByText('not confirmed')).toBeVisible();

  const link = await mailbox.linkIn(account.email, VERIFY);
  await visitor.goto(link);
  await expect(page).toHaveURL('/verify');
  await expect(page.getByRole('heading', { name: 'Is this your address?' })).toBeVisible();
  await visitor.submit();
  await page.waitForURL('/settings?done=verified');
  await visitor.ready();
  await expect(page.getByRole('status')).toContainText('Your address is confirmed.');
  await expect(page.getByText('confirmed', { exact: true })).toBeVisible();

  const timeline = await collector.waitFor(user, 'Page Viewed /verify', 'Email verified', 'Page Viewed /settings');
  const event = timeline.find(({ name }) => name === 'Email verified');
  expect(event).toMatchObject({ source: 'server', device, session, plan: 'valid' });
  // The secret is in no event: the page's URL does not have it.
  const secret = link.split('/').at(-1) ?? '';
  expect(secret).toHaveLength(64);
  expect(JSON.stringify(timeline)).not.toContain(secret);

  await visitor.goto(link);
  await expect(page.getByRole('heading', { name: 'This link has expired' })).toBeVisible();
});

testLinksInAnotherBrowser();

test('a forgotten password is replaced by a link', async ({ visitor, page, mailbox, collector, newTab }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-in');
  await visitor.follow('Forgot your password?', '/forgot');
  await visitor.submit();
  await expect(visitor.error('email')).toHaveText('Please fill this in.');
  await visitor.fill({ email: account.email });
  await visitor.submit();
  await page.waitForURL('/forgot?done=sent');
  await expect(page.getByRole('heading', { name: 'Check your inbox' })).toBeVisible();

  const link = await mailbox.linkIn(account.email, RESET);
  const other = await newTab();
  await other.goto(link);
  const before = await other.tracked();
  await expect(other.page.getByText(account.email)).toBeVisible();
  await other.fill({ password: 'short' });
  await other.submit();
  await expect(other.error('password')).toHaveText('Please use at least 10 characters.');
  await other.fill({ password: NEW });
  await other.submit();
  await other.page.waitForURL('/sign-in?done=reset');
  await other.ready();
  await expect(other.page.getByRole('status')).toContainText('Your new password is set.');
  await other.signIn({ ...account, password: NEW });

  const timeline = await collector.waitFor(user, 'Password reset completed');
  const event = timeline.find(({ name }) => name === 'Password reset completed');
  expect(event).toMatchObject({ source: 'server', device: before.device, session: before.session });
});

test('a password change makes another browser a new device', async ({ visitor, page, browser, baseURL }) => {
  const account = newAccount();
  await visitor.signUp(account);
  const context = await browser.newContext({ baseURL });
  const phone = new Visitor(await context.newPage(), true);
  const before = await phone.signIn(account);

  await visitor.goto('/settings');
  await visitor.follow('Change password', '/settings/password');
  await visitor.fill({ current_password: 'not this one', password: NEW });
  await visitor.submit();
  await expect(visitor.error('current_password')).toHaveText('This is not your password. Please check it.');
  await expect(visitor.field('password'), 'a password is never sent back').toHaveValue('');
  await visitor.fill({ current_password: account.password, password: NEW });
  await visitor.submit();
  await page.waitForURL('/settings?done=password');

  await phone.goto('/polls');
  await expect(phone.page).toHaveURL('/sign-in?next=/polls');
  expect((await phone.tracked()).device).not.toBe(before.device);
  await phone.signIn({ ...account, password: NEW });
  await context.close();
});

test('an address is changed by a link to the new one', async ({ visitor, page, mailbox }) => {
  const account = newAccount();
  const fresh = newAccount();
  await visitor.signUp(account);
  await visitor.goto('/settings');
  await visitor.follow('Change address', '/settings/email');
  await visitor.fill({ email: account.email, current_password: account.password });
  await visitor.submit();
  await expect(visitor.error('email')).toHaveText('This is your address already.');
  await visitor.fill({ email: fresh.email, current_password: account.password });
  await visitor.submit();
  await page.waitForURL('/settings?done=email');
  await visitor.ready();
  await expect(page.getByRole('status')).toContainText('We have sent a link to your new address.');

  await visitor.goto(await mailbox.linkIn(fresh.email, 'Confirm your new email address'));
  await expect(page.getByText(fresh.email)).toBeVisible();
  await visitor.submit();
  await page.waitForURL('/settings?done=verified');
  await visitor.ready();
  await expect(page.getByRole('banner').getByText(fresh.email)).toBeVisible();
  await visitor.signOut();
  await visitor.signIn({ ...account, email: fresh.email });
});

test('logins in other browsers are listed and ended', async ({ visitor, page, browser, baseURL }) => {
  const account = newAccount();
  await visitor.signUp(account);
  const contexts = await Promise.all([1, 2].map(() => browser.newContext({ baseURL })));
  const others: Visitor[] = [];
  for (const context of contexts) {
    const other = new Visitor(await context.newPage(), true);
    await other.signIn(account);
    others.push(other);
  }
  await visitor.goto('/settings');
  await expect(page.locator('.settings-logins li')).toHaveCount(3);
  await expect(page.locator('.settings-logins li').filter({ hasText: 'this browser' })).toHaveCount(1);
  await page.locator('.settings-logins').getByRole('button').first().click();
  await page.waitForURL('/settings?done=ended');
  await visitor.ready();
  await expect(page.locator('.settings-logins li')).toHaveCount(2);
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(page.locator('.settings-logins li')).toHaveCount(1);
  await visitor.ready();
  for (const other of others) {
    await other.goto('/polls');
    await expect(other.page).toHaveURL('/sign-in?next=/polls');
  }
  for (const context of contexts) await context.close();
});

test('the data of an account can be downloaded', async ({ visitor, page }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.createPoll('Is <b>this</b> in it?');
  await visitor.goto('/settings');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download my data' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('seamline.json');
  const data = JSON.parse(await readFile(await file.path(), 'utf8')) as Record<string, unknown>;
  expect(data).toMatchObject({
    account: { id: user, email: account.email, email_verified_at: null },
    polls: [{ question: 'Is <b>this</b> in it?', options: ['Soup', 'Salad'] }],
  });
});

test('a deleted account is deleted at Amplitude too', async ({ visitor, page, collector, complaints }) => {
  // The browser may still send events of the deleted user.
  complaints.expect(/status of 400.*\/ingest/, /Amplitude Logger/);
  const account = newAccount();
  const before = await visitor.signUp(account);
  await collector.waitFor(before.user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/settings');
  await visitor.follow('Delete my account', '/settings/delete');
  await visitor.fill({ current_password: 'not this one' });
  await visitor.submit();
  await expect(visitor.error('current_password')).toHaveText('This is not your password. Please check it.');
  await collector.waitFor(before.user, 'Page Viewed /settings/delete');
  await visitor.fill({ current_password: account.password });
  await visitor.submit();
  await page.waitForURL('/goodbye');
  await visitor.ready();
  await expect(page.getByRole('heading', { name: 'Your account is closed' })).toBeVisible();
  const after = await visitor.tracked();
  expect(after.user).toBeNull();
  expect(after.device).not.toBe(before.device);

  await expect.poll(() => collector.timelineOf(before.user)).toEqual([]);
  await visitor.goto('/sign-in');
  await visitor.fill({ ...account });
  await visitor.submit();
  await expect(page.getByRole('alert')).toHaveText('The address or the password is not right. Please check both.');
  const again = await visitor.signUp(account);
  expect(again.user).not.toBe(before.user);
});

test('the mailbox lists mails and shows the chosen one', async ({ visitor, page, mailbox }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await mailbox.linkIn(account.email, VERIFY);
  await visitor.goto('/');
  await visitor.follow('the local mailbox', '/mailbox');
  const mail = page.locator('.mailbox-item').filter({ hasText: account.email });
  await mail.click();
  await expect(mail).toHaveAttribute('aria-current', 'true');
  await expect(page.locator('.mailbox-item[aria-current]')).toHaveCount(1);
  const reading = page.getByRole('article', { name: VERIFY });
  await expect(reading).toContainText(account.email);
  await reading.getByRole('link', { name: 'Confirm my address' }).click();
  await page.waitForURL('/verify');
  await expect(page.getByText(account.email).first()).toBeVisible();
});
