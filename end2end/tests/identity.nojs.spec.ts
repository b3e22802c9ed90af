// (b) The same without scripts: the server's events are stitched among themselves.

import { expectStory, stitches } from '../fixtures/story.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('sign-up, sign-out, sign-in: one story', async ({ visitor, collector }) => {
  const account = newAccount();
  await visitor.goto('/');
  const first = await visitor.tracked();
  await visitor.follow('Make a poll', '/sign-up');
  const { user } = await visitor.signUp(account);
  await visitor.createPoll();
  const second = await visitor.signOut();
  expect(second.device).not.toBe(first.device);
  expect(second.session).toBeGreaterThan(first.session);
  await visitor.follow('Sign in', '/sign-in');
  expect((await visitor.signIn(account)).user).toBe(user);

  const story = await collector.waitFor(user, 'Sign-in completed');
  expectStory(story, [
    { device: first.device, session: first.session, events: ['server Sign-up completed', 'server Sign-out completed'] },
    { device: second.device, session: second.session, events: ['server Sign-in completed'] },
  ]);
  expect(stitches(story)).toEqual([
    'Sign-up completed: server session',
    'Sign-out completed: server session',
    'Sign-in completed: server session',
  ]);
  await collector.expectOnePerson(user, first.device, second.device);

  await visitor.follow('Timeline', '/timeline');
  const chapters = visitor.page.locator('article.chapter');
  await expect(chapters).toHaveCount(2);
  await expect(chapters.first()).toHaveAttribute('data-session', String(second.session));
  await expect(chapters.last().locator('li[data-event]')).toHaveCount(2);
  await expect(chapters.last().locator('li[data-event] .badge')).toHaveText(['server', 'server']);
});

test('a browser that has never shown its device is not believed to have one', async ({ visitor, context, collector }) => {
  await visitor.goto('/sign-up');
  // As with cookies refused: the device of the answer does not come back.
  await context.clearCookies();
  const { user, device } = await visitor.signUp();
  const [signUp] = await collector.waitFor(user, 'Sign-up completed');
  expect(signUp).toMatchObject({ user, derivedDevice: true, session: -1, stitchedBy: 'none known' });

  // The page after it did show one, so from here on it counts.
  await visitor.signOut();
  const story = await collector.waitFor(user, 'Sign-out completed');
  expect(story.at(-1)).toMatchObject({ label: 'Sign-out completed', device, stitchedBy: 'server session' });
});
