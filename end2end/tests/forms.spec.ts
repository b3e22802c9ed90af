// Forms with scripts: a post is answered with a redirect, or with the page, its errors at their fields and its input kept.

import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test.beforeEach(({ complaints }) => {
  // An answer 422 or 429 with a page is an error on the console.
  complaints.expect(/status of 4(22|29)/);
});

test('every error of a sign-up is at its field', async ({ visitor, page }) => {
  await visitor.goto('/sign-up');
  await visitor.submitAndLoad();
  await expect(visitor.error('email')).toHaveText('Please fill this in.');
  await expect(visitor.error('password')).toHaveText('Please fill this in.');
  await expect(visitor.field('email')).toBeFocused();
  await expect(visitor.field('email')).toHaveAttribute('aria-invalid', 'true');
  await expect(visitor.field('email')).toHaveAccessibleDescription(/Please fill this in/);

  await visitor.fill({ email: 'not-an-address', password: 'short' });
  await visitor.submitAndLoad();
  await expect(visitor.error('email')).toContainText('does not look like an email address');
  await expect(visitor.error('password')).toHaveText('Please use at least 10 characters.');
  await expect(visitor.field('email')).toHaveValue('not-an-address');
  await expect(visitor.field('password'), 'a password is never sent back').toHaveValue('');

  // The focus is at the first error, which is not the first field here.
  await visitor.fill({ email: newAccount().email, password: 'short' });
  await visitor.submitAndLoad();
  await expect(visitor.error('email')).toHaveCount(0);
  await expect(visitor.field('password')).toBeFocused();

  await visitor.fill({ email: `${'a'.repeat(10_000)}@example.com`, password: 'x'.repeat(10_000) });
  await visitor.submitAndLoad();
  await expect(visitor.error('email')).toHaveText('Please use at most 254 characters; this has 10012.');
  await expect(visitor.error('password')).toHaveText('Please use at most 256 characters; this has 10000.');
  await expect(page).toHaveURL('/sign-up');
});

test('the error of a taken address is at the field, and the address is kept', async ({ visitor, page, collector }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-up');
  const capitals = { email: account.email.toUpperCase(), password: 'another good password' };
  await visitor.fill(capitals);
  await visitor.submitAndLoad();
  await expect(visitor.error('email')).toContainText('There is an account with this address already.');
  await expect(visitor.field('email')).toHaveValue(capitals.email);
  await expect(visitor.field('password')).toHaveValue('');
  expect(await page.content()).not.toContain(capitals.password);

  // With another address the same form makes another account.
  const second = await visitor.signUp({ ...newAccount(), password: capitals.password });
  expect(second.user).not.toBe(user);
  const timeline = await collector.waitFor(second.user, 'Sign-up completed');
  expect(timeline.filter((event) => event.name === 'Sign-up completed')).toHaveLength(1);
});

test('a wrong password and an unknown address have the same answer', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-in');
  for (const email of [account.email, newAccount().email]) {
    await visitor.fill({ email, password: 'not this one' });
    await visitor.submitAndLoad();
    await expect(page.getByRole('alert')).toHaveText('The address or the password is not right. Please check both.');
    await expect(page.getByRole('alert')).toBeFocused();
    await expect(visitor.field('email')).toHaveValue(email);
    await expect(visitor.field('password')).toHaveValue('');
  }
  await visitor.signIn(account);
});

test('attempts at one account are limited, and the page says for how long', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-in');
  await visitor.fill({ email: account.email });
  for (let guess = 1; guess <= 10; guess += 1) {
    await visitor.fill({ password: `guess number ${guess}` });
    await visitor.submitAndLoad();
    await expect(page.getByRole('alert')).toHaveText('The address or the password is not right. Please check both.');
    await expect(visitor.field('email')).toHaveValue(account.email);
  }
  // The right password has to wait too.
  await visitor.fill({ password: account.password });
  await visitor.submitAndLoad();
  await expect(page.getByRole('alert')).toHaveText(/^Too many attempts\. Please wait \d+ min and try again\.$/);
  expect((await visitor.boot()).user).toBeNull();
});

test('every error of a poll is at its line', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.submitAndLoad();
  await expect(visitor.error('question')).toHaveText('Please fill this in.');
  await expect(visitor.error('option-0')).toHaveText('Please give at least 2 options.');
  await expect(visitor.field('question')).toBeFocused();

  await visitor.fill({ question: 'q'.repeat(10_000), 'option-0': 'Soup', 'option-1': 'Soup', 'option-2': 'o'.repeat(101) });
  await visitor.submitAndLoad();
  await expect(visitor.error('question')).toHaveText('Please use at most 200 characters; this has 10000.');
  await expect(visitor.error('option-1')).toHaveText('This option is there already.');
  await expect(visitor.error('option-2')).toHaveText('Please use at most 100 characters; this has 101.');
  await expect(visitor.field('question')).toHaveValue('q'.repeat(10_000));

  await expect(visitor.field('option-4')).toBeHidden();
  await page.getByText('More options').click();
  await expect(visitor.field('option-4')).toBeVisible();
  await visitor.fill({ question: 'Lunch?', 'option-1': 'Salad', 'option-2': '', 'option-4': 'Bread' });
  await page.getByLabel('Voters may choose several').check();
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  const poll = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Lunch?' }) });
  await expect(poll.locator('.poll-options li')).toHaveText(['Soup', 'Salad', 'Bread']);
  await expect(poll).toContainText('Several answers');
});

test('a poll sent after the login has ended keeps its input', async ({ visitor, page, context, complaints }) => {
  // The page has events of a user who is no longer signed in here.
  complaints.expect(/status of 400.*\/ingest/, /Amplitude Logger/);
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Still there?', 'option-0': 'Yes', 'option-1': 'No' });
  await context.clearCookies({ name: 'seam_login' });
  await visitor.submitAndLoad();
  await expect(page.getByRole('alert')).toHaveText('You are signed out. Please sign in and send the form again.');
  await expect(visitor.field('question')).toHaveValue('Still there?');
  await expect(visitor.field('option-1')).toHaveValue('No');
});

test('the button of a form that is being sent shows it, and works once', async ({ visitor, page }) => {
  await visitor.goto('/sign-up');
  await visitor.fill({ ...newAccount() });
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let posts = 0;
  await page.route('/sign-up', async (route) => {
    posts += 1;
    await released;
    await route.continue();
  });
  // Locators wait while a navigation is pending, so this reads the page directly.
  const pressed = await page.evaluate(() => {
    const button = document.querySelector<HTMLButtonElement>('main button[type=submit]');
    button?.click();
    const after = { text: button?.textContent, disabled: button?.ariaDisabled };
    button?.click();
    return after;
  });
  expect(pressed).toEqual({ text: 'Creating your account…', disabled: 'true' });
  release();
  await page.waitForURL('/polls');
  expect(posts).toBe(1);
});

test('a sign-in leads to the page that was asked for, and to no other site', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.goto('/polls/new');
  await expect(page).toHaveURL('/sign-in?next=/polls/new');
  await visitor.signUp(account);
  await visitor.signOut();
  for (const [next, path] of [
    ['/timeline', '/timeline'],
    ['//evil.example/', '/polls'],
    ['https://evil.example/', '/polls'],
    ['/\\evil.example', '/polls'],
  ] as const) {
    await visitor.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await visitor.fill({ ...account });
    await visitor.submit();
    await page.waitForURL(path);
    await visitor.ready();
    await visitor.signOut();
  }
});
