// (d) After a sign-out the next person on the same browser is someone else: another device, another session, another
// story, whatever the first person has left open.

import { expectStory, stitches } from '../fixtures/story.ts';
import { expect, test } from '../fixtures/test.ts';

test('two accounts after one another are two people', async ({ visitor, collector }) => {
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
  expectStory(ofBob, [
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
  expectStory(ofAda, [
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

test('a second tab left open over the sign-out', async ({ visitor, newTab, collector }) => {
  const ada = await visitor.signUp();
  await visitor.createPoll('Whose poll is this?');
  const left = await newTab();
  await left.goto('/polls');
  await expect(left.page.getByRole('heading', { name: 'Whose poll is this?' })).toBeVisible();
  await collector.waitFor(ada.user, 'Poll created', 'Page Viewed /polls', 'Page Viewed /polls');

  const between = await visitor.signOut();
  // Nobody has touched it: it hears of the sign-out by itself.
  await left.page.waitForURL('/sign-in?next=/polls');
  await left.ready();
  await expect(left.page.getByText('Whose poll is this?')).toHaveCount(0);
  expect(await left.tracked()).toMatchObject({ device: between.device, user: null });

  await left.follow('Create an account', '/sign-up');
  const bob = await left.signUp();
  expect(bob.device).toBe(between.device);
  // And the first tab hears of the sign-up.
  await expect(visitor.page.getByRole('button', { name: 'Sign out' })).toBeVisible();
  await visitor.ready();
  expect(await visitor.tracked()).toMatchObject({ device: bob.device, user: bob.user });
  await visitor.createPoll('Mine now');

  const ofBob = await collector.waitFor(bob.user, 'Sign-up completed', 'Poll created');
  expect(new Set(ofBob.map((event) => event.device))).toEqual(new Set([bob.device]));
  const ofAda = await collector.waitFor(ada.user, 'Sign-out completed');
  expect(ofAda.at(-1)?.label, 'nothing of hers after her sign-out').toBe('Sign-out completed');
  expect(new Set(ofAda.map((event) => event.device))).toEqual(new Set([ada.device]));
});

test('the Back button shows nothing of who was here', async ({ visitor, page }) => {
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

test('a page that the browser has kept alive is loaded anew', async ({ visitor, page }) => {
  await visitor.goto('/');
  const { now } = await visitor.boot();
  // What a page hears when it comes out of the back/forward cache, which this browser is run without.
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expect.poll(async () => (await visitor.boot()).now).toBeGreaterThan(now);
});
