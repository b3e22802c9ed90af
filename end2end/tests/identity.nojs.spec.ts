// (b) Sign-up, sign-out and sign-in without scripts: the server's events share device and session.

import { expectTimeline, stitches } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('sign-up, sign-out and sign-in are one timeline', async ({ visitor, collector }) => {
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

  const timeline = await collector.waitFor(user, 'Sign-in completed');
  expectTimeline(timeline, [
    { device: first.device, session: first.session, events: ['server Sign-up completed', 'server Sign-out completed'] },
    { device: second.device, session: second.session, events: ['server Sign-in completed'] },
  ]);
  expect(stitches(timeline)).toEqual([
    'Sign-up completed: server session',
    'Sign-out completed: server session',
    'Sign-in completed: server session',
  ]);
  await collector.expectOnePerson(user, first.device, second.device);

  await visitor.follow('Timeline', '/timeline');
  const groups = visitor.page.locator('.timeline-session');
  await expect(groups).toHaveCount(2);
  await expect(groups.first()).toHaveAttribute('data-session', String(second.session));
  await expect(groups.last().locator('li[data-event]')).toHaveCount(2);
  await expect(groups.last().locator('li[data-event] .badge')).toHaveText(['server', 'server']);
});

test('a browser that has never sent the device cookie has no device', async ({ visitor, context, collector }) => {
  await visitor.goto('/sign-up');
  // The browser refuses cookies, so the device of the answer is not sent back.
  await context.clearCookies();
  const { user, device } = await visitor.signUp();
  const [signUp] = await collector.waitFor(user, 'Sign-up completed');
  expect(signUp).toMatchObject({ user, derivedDevice: true, session: -1, stitchedBy: 'none known' });

  // The next page sent the cookie, so the device counts from here on.
  await visitor.signOut();
  const timeline = await collector.waitFor(user, 'Sign-out completed');
  expect(timeline.at(-1)).toMatchObject({ label: 'Sign-out completed', device, stitchedBy: 'server session' });
});
