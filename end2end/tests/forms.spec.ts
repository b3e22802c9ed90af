// Forms on a live page: faults stand at their fields, and nothing that was typed is lost.

import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('every fault of a sign-up at its field', async ({ visitor, page }) => {
  await visitor.goto('/sign-up');
  await visitor.submit();
  await expect(visitor.fault('email')).toHaveText('Please fill this in.');
  await expect(visitor.fault('password')).toHaveText('Please fill this in.');
  await expect(visitor.field('email')).toBeFocused();
  await expect(visitor.field('email')).toHaveAccessibleDescription(/Please fill this in/);

  await visitor.fill({ email: 'nobody', password: 'short' });
  await visitor.submit();
  await expect(visitor.fault('email')).toContainText('does not look like an e-mail address');
  await expect(visitor.fault('password')).toHaveText('Please use at least 10 characters.');
  await expect(visitor.field('email')).toHaveValue('nobody');
  await expect(visitor.field('password')).toHaveValue('short');

  await visitor.fill({ email: `${'a'.repeat(10_000)}@example.com`, password: 'x'.repeat(10_000) });
  await visitor.submit();
  await expect(visitor.fault('email')).toHaveText('Please use at most 254 characters; this has 10012.');
  await expect(visitor.fault('password')).toHaveText('Please use at most 256 characters; this has 10000.');
  await expect(page).toHaveURL('/sign-up');
});

test('a taken address is said at the field, and everything typed is kept', async ({ visitor, collector }) => {
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-up');
  const shouted = { email: account.email.toUpperCase(), password: 'another good password' };
  await visitor.fill(shouted);
  await visitor.submit();
  await expect(visitor.fault('email')).toContainText('There is an account with this address already.');
  await expect(visitor.field('email')).toHaveValue(shouted.email);
  await expect(visitor.field('password')).toHaveValue(shouted.password);

  // Mended in place, it goes through: as somebody else.
  const mended = await visitor.signUp({ ...newAccount(), password: shouted.password });
  expect(mended.user).not.toBe(user);
  const story = await collector.waitFor(mended.user, 'Sign-up completed');
  expect(story.filter((event) => event.name === 'Sign-up completed')).toHaveLength(1);
});

test('a wrong password and an unknown address are told alike', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-in');
  for (const email of [account.email, newAccount().email]) {
    await visitor.fill({ email, password: 'not this one' });
    await visitor.submit();
    await expect(page.getByRole('alert')).toHaveText('The address or the password is not right. Please check both.');
    await expect(visitor.field('email')).toHaveValue(email);
    await expect(visitor.field('password')).toHaveValue('not this one');
    await page.reload();
    await visitor.ready();
  }
  await visitor.signIn(account);
});

test('guessing at one account is slowed down, and says for how long', async ({ visitor, page }) => {
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.signOut();
  await visitor.goto('/sign-in');
  await visitor.fill({ email: account.email });
  for (let guess = 1; guess <= 10; guess += 1) {
    await visitor.fill({ password: `guess number ${guess}` });
    const answered = page.waitForResponse('/api/sign_in*');
    await visitor.submit();
    await answered;
    await expect(page.getByRole('alert')).toHaveText('The address or the password is not right. Please check both.');
  }
  // From now on even the right one has to wait.
  await visitor.fill({ password: account.password });
  await visitor.submit();
  await expect(page.getByRole('alert')).toHaveText(/^Too many attempts\. Please wait \d+ min and try again\.$/);
  await expect(visitor.field('password')).toHaveValue(account.password);
  expect((await visitor.boot()).user).toBeNull();
});

test('every fault of a poll at its line', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.submit();
  await expect(visitor.fault('question')).toHaveText('Please fill this in.');
  await expect(visitor.fault('option-0')).toHaveText('Please give at least 2 options.');
  await expect(visitor.field('question')).toBeFocused();

  await visitor.fill({ question: 'q'.repeat(10_000), 'option-0': 'Soup', 'option-1': 'Soup', 'option-2': 'o'.repeat(101) });
  await visitor.submit();
  await expect(visitor.fault('question')).toHaveText('Please use at most 200 characters; this has 10000.');
  await expect(visitor.fault('option-1')).toHaveText('This option is there already.');
  await expect(visitor.fault('option-2')).toHaveText('Please use at most 100 characters; this has 101.');
  await expect(visitor.field('question')).toHaveValue('q'.repeat(10_000));

  const more = page.getByRole('button', { name: 'Add an option' });
  await expect(visitor.field('option-4')).toBeHidden();
  await more.click();
  await expect(visitor.field('option-4')).toBeVisible();
  await visitor.fill({ question: 'Lunch?', 'option-1': 'Salad', 'option-2': '', 'option-4': 'Bread' });
  await page.getByLabel('Voters may choose several').check();
  await visitor.submit();
  await page.waitForURL('/polls');
  const poll = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Lunch?' }) });
  await expect(poll.locator('.options li')).toHaveText(['Soup', 'Salad', 'Bread']);
  await expect(poll).toContainText('Several answers');
});

test('a poll sent after signing out elsewhere keeps what was typed', async ({ visitor, page, context, complaints }) => {
  // The page still speaks of somebody whom its cookies no longer name.
  complaints.expect(/status of 400.*\/ingest/, /Amplitude Logger/);
  await visitor.signUp();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Still there?', 'option-0': 'Yes', 'option-1': 'No' });
  await context.clearCookies({ name: 'seam_login' });
  await visitor.submit();
  await expect(page.getByRole('alert')).toHaveText('You are signed out. Please sign in and send the form again.');
  await expect(visitor.field('question')).toHaveValue('Still there?');
  await expect(visitor.field('option-1')).toHaveValue('No');
});

test('one goes on where one wanted to go, and nowhere else', async ({ visitor, page }) => {
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
