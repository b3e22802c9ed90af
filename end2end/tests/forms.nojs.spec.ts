// Forms without scripts: the server answers with the page, its errors at their fields and its input kept.

import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test.beforeEach(({ complaints }) => {
  // An answer 422 or 429 with a page is an error on the console.
  complaints.expect(/status of 4(22|29)/);
});

test('every error of a sign-up is at its field', async ({ visitor, page }) => {
  await visitor.goto('/sign-up');
  const answered = page.waitForResponse('/sign-up');
  await visitor.submit();
  expect((await answered).status()).toBe(422);
  await expect(visitor.error('email')).toHaveText('Please fill this in.');
  await expect(visitor.error('password')).toHaveText('Please fill this in.');
  await expect(visitor.field('email')).toHaveAccessibleDescription(/Please fill this in/);

  await visitor.fill({ email: 'not-an-address', password: 'short' });
  await visitor.submit();
  await expect(visitor.error('email')).toContainText('does not look like an email address');
  await expect(visitor.error('password')).toHaveText('Please use at least 10 characters.');
  await expect(visitor.field('email')).toHaveValue('not-an-address');
  // A password is never sent back.
  await expect(visitor.field('password')).toHaveValue('');
});

test('the error of a taken address is at the field, and the address is kept', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-up');
  await visitor.fill({ email: account.email, password: 'another good password' });
  await visitor.submit();
  await expect(visitor.error('email')).toContainText('There is an account with this address already.');
  await expect(visitor.field('email')).toHaveValue(account.email);
  expect(await page.content()).not.toContain('another good password');
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
    await expect(visitor.field('email')).toHaveValue(email);
  }
  await visitor.signIn(account);
});

test('attempts at one account are limited', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-in');
  for (let guess = 1; guess <= 10; guess += 1) {
    await visitor.fill({ email: account.email, password: `guess number ${guess}` });
    await visitor.submitAndLoad();
    await expect(page.getByRole('alert')).toHaveText('The address or the password is not right. Please check both.');
  }
  await visitor.fill({ email: account.email, password: account.password });
  await visitor.submit();
  await expect(page.getByRole('alert')).toHaveText(/^Too many attempts\. Please wait \d+ min and try again\.$/);
  await expect(visitor.field('email')).toHaveValue(account.email);
});

test('every error of a poll is at its line', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.submit();
  await expect(visitor.error('question')).toHaveText('Please fill this in.');
  await expect(visitor.error('option-0')).toHaveText('Please give at least 2 options.');

  // All ten lines are there; the last ones are folded.
  await page.getByText('More options').click();
  await visitor.fill({ question: 'q'.repeat(201), 'option-0': 'Soup', 'option-1': 'Soup', 'option-9': 'o'.repeat(101) });
  await page.getByLabel('Voters may choose several').check();
  await visitor.submit();
  await expect(visitor.error('question')).toHaveText('Please use at most 200 characters; this has 201.');
  await expect(visitor.error('option-1')).toHaveText('This option is there already.');
  await expect(visitor.error('option-9')).toHaveText('Please use at most 100 characters; this has 101.');
  await expect(visitor.field('question')).toHaveValue('q'.repeat(201));
  await expect(visitor.field('option-9')).toHaveValue('o'.repeat(101));
  await expect(page.getByLabel('Voters may choose several')).toBeChecked();

  await visitor.fill({ question: 'Lunch?', 'option-1': 'Salad', 'option-9': 'Bread' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await expect(page.locator('.poll-options li')).toHaveText(['Soup', 'Salad', 'Bread']);
});

test('a poll sent after signing out in another tab keeps its input', async ({ visitor, page, newTab }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  const other = await newTab();
  await other.goto('/polls');
  await other.signOut();
  await visitor.fill({ question: 'Still there?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await expect(page.getByRole('alert')).toHaveText('You are signed out. Please sign in and send the form again.');
  await expect(visitor.field('question')).toHaveValue('Still there?');
  await expect(visitor.field('option-1')).toHaveValue('No');
});

test('a form sent twice makes one poll', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Once?', 'option-0': 'Yes', 'option-1': 'No' });
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await page.goBack();
  await expect(visitor.field('question')).toBeVisible();
  await visitor.goto('/polls');
  await expect(page.getByRole('heading', { name: 'Once?' })).toHaveCount(1);
});

test('a post from another site does nothing', async ({ visitor, page, complaints }) => {
  complaints.expect(/status of 403/);
  const { user } = await visitor.signUp();
  // The browser sends the origin of the form, and the server checks it.
  const refused = await page.request.post('/sign-out', { headers: { 'sec-fetch-site': 'cross-site' }, maxRedirects: 0 });
  expect(refused.status()).toBe(403);
  await visitor.goto('/polls');
  expect((await visitor.signedIn()).user).toBe(user);
});
