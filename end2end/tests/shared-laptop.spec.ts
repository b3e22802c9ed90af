// (d) After a sign-out the next user of the same browser is another person: another device, another session, another
// timeline, also where the first user has left tabs open.

import { expectTimeline, stitches } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('two accounts in one browser, one after the other, are two people', async ({ visitor, collector }) => {
  const ada = await visitor.signUp();
  await collector.waitFor(ada.user, 'Page Viewed /polls');
  const between = await visitor.signOut();
  await collector.waitFor(between.device, 'Page Viewed /');
  await visitor.follow('Make a poll', '/sign-up');
  await collector.waitFor(between.device, 'Page Viewed /sign-up');
  const bob = await visitor.signUp();
  expect(bob).toMatchObject({ device: between.device, session: between.session });
  expect(bob.user).not.toBe(ada.user);

  const ofBob = await collector.waitFor(bob.user, 'Sign-up completed', 'Page Viewed /polls');
  expectTimeline(ofBob, [
    {
      device: between.device,
      session: between.session,
      events: [
        'browser Page Viewed /',
        'browser Page Viewed /sign-up',
        'server Sign-up completed',
        'browser Page Viewed /polls',
      ],
    },
  ]);
  expect(stitches(ofBob)).toEqual(['Sign-up completed: sdk cookie']);
  const ofAda = await collector.waitFor(ada.user, 'Sign-out completed');
  expectTimeline(ofAda, [
    {
      device: ada.device,
      session: ada.session,
      events: [
        'browser Page Viewed /sign-up',
        'server Sign-up completed',
        'browser Page Viewed /polls',
        'server Sign-out completed',
      ],
    },
  ]);
  expect(await collector.personOf(between.device)).not.toBe(await collector.personOf(ada.device));
});

test('a second tab that stays open over the sign-out belongs to the new device', async ({ visitor, newTab, collector }) => {
  const ada = await visitor.signUp();
  await visitor.createPoll('Whose poll is this?');
  const left = await newTab();
  await left.goto('/polls');
  await expect(left.page.getByRole('heading', { name: 'Whose poll is this?' })).toBeVisible();
  await collector.waitFor(ada.user, 'Poll created', 'Page Viewed /polls', 'Page Viewed /polls');

  const between = await visitor.signOut();
  // The other tab follows without a click.
  await left.page.waitForURL('/sign-in?next=/polls');
  await left.ready();
  await expect(left.page.getByText('Whose poll is this?')).toHaveCount(0);
  expect(await left.tracked()).toMatchObject({ device: between.device, user: null });

  await left.follow('Create an account', '/sign-up?next=/polls');
  const bob = await left.signUp();
  expect(bob.device).toBe(between.device);
  // And the first tab follows the sign-up.
  await expect(visitor.page.getByRole('button', { name: 'Sign out' })).toBeVisible();
  await visitor.ready();
  expect(await visitor.tracked()).toMatchObject({ device: bob.device, user: bob.user });
  await visitor.createPoll('Mine now');

  const ofBob = await collector.waitFor(bob.user, 'Sign-up completed', 'Poll created');
  expect(new Set(ofBob.map((event) => event.device))).toEqual(new Set([bob.device]));
  const ofAda = await collector.waitFor(ada.user, 'Sign-out completed');
  expect(ofAda.at(-1)?.label, 'no event after her sign-out').toBe('Sign-out completed');
  expect(new Set(ofAda.map((event) => event.device))).toEqual(new Set([ada.device]));
});

test('a sign-out in another tab keeps the input of this page', async ({ visitor, page, newTab, complaints }) => {
  // This page may still send events of the user who signed out.
  complaints.expect(/status of 422/, /status of 400.*\/ingest/, /Amplitude Logger/);
  const account = newAccount();
  await visitor.signUp(account);
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Half written?', 'option-0': 'Yes' });

  const other = await newTab();
  await other.goto('/polls');
  await other.signOut();
  const notice = page.getByRole('alert');
  await expect(notice).toHaveText('You signed out in another tab. What you typed here is kept. Load this page again.');
  await expect(visitor.field('question')).toHaveValue('Half written?');

  // Sent now, the form is refused, and its input is still there.
  await visitor.fill({ 'option-1': 'No' });
  await visitor.submitAndLoad();
  await expect(page.getByRole('alert')).toHaveText('You are signed out. Please sign in and send the form again.');
  await expect(visitor.field('question')).toHaveValue('Half written?');

  await visitor.fill({ question: 'Completely written?' });
  await other.signIn(account);
  await expect(page.locator('.other-tab')).toContainText('You signed in in another tab.');
  await visitor.submit();
  await page.waitForURL('/polls?done=created');
  await expect(page.getByRole('heading', { name: 'Completely written?' })).toBeVisible();
});

test('the Back button shows no data of the previous user', async ({ visitor, page }) => {
  const ada = await visitor.signUp();
  await visitor.createPoll('A secret poll');
  for (const path of ['/timeline', '/polls']) {
    const answer = await visitor.goto(path);
    expect(answer?.headers()['cache-control'], path).toBe('no-store');
  }
  const between = await visitor.signOut();

  await page.goBack();
  await page.waitForURL('/sign-in?next=/polls');
  await visitor.ready();
  await expect(page.getByText('A secret poll')).toHaveCount(0);
  await page.goBack();
  await page.waitForURL('/timeline');
  await visitor.ready();
  await expect(page.getByRole('heading', { name: 'Timeline' })).toBeVisible();
  expect(await visitor.tracked()).toMatchObject({ device: between.device, user: null });
  expect(await page.content()).not.toContain(ada.user);
});

test('a page of the back/forward cache is loaded again', async ({ visitor, page }) => {
  await visitor.goto('/');
  const { now } = await visitor.boot();
  // The event of a page that leaves the back/forward cache, which is off in this browser.
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expect.poll(async () => (await visitor.boot()).now).toBeGreaterThan(now);
});
