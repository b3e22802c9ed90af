// (a) A visitor signs up, signs out and signs in again: one person, two devices, two sessions. Browser events and server events
// share device and session, in causal order.

import type { Locator } from '@playwright/test';
import { sessionGroups, expectTimeline, stitches } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { expectCleanVerdict, rules } from '../fixtures/verdict.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('page view, sign-up, page view, sign-out and sign-in are one timeline', async ({ visitor, collector, newTab }) => {
  const account = newAccount();
  await visitor.goto('/');
  const first = await visitor.tracked();
  await collector.waitFor(first.device, 'Page Viewed /');
  await visitor.follow('Make a poll', '/sign-up');
  await collector.waitFor(first.device, 'Page Viewed /sign-up');
  const signedUp = await visitor.signUp(account);
  expect(signedUp).toMatchObject({ device: first.device, session: first.session });
  await collector.waitFor(first.device, 'Page Viewed /polls');

  const second = await visitor.signOut();
  expect(second.user).toBeNull();
  expect(second.device).not.toBe(first.device);
  expect(second.session).toBeGreaterThan(first.session);
  await collector.waitFor(second.device, 'Page Viewed /');
  await visitor.follow('Sign in', '/sign-in');
  await collector.waitFor(second.device, 'Page Viewed /sign-in');
  const signedIn = await visitor.signIn(account);
  expect(signedIn).toMatchObject({ device: second.device, session: second.session, user: signedUp.user });

  const timeline = await collector.waitFor(signedUp.user, 'Sign-in completed', 'Page Viewed /polls', 'Page Viewed /polls');
  expectTimeline(timeline, [
    {
      device: first.device,
      session: first.session,
      events: [
        'browser Page Viewed /',
        'browser Page Viewed /sign-up',
        'server Sign-up completed',
        'browser Page Viewed /polls',
        'server Sign-out completed',
      ],
    },
    {
      device: second.device,
      session: second.session,
      events: [
        'browser Page Viewed /',
        'browser Page Viewed /sign-in',
        'server Sign-in completed',
        'browser Page Viewed /polls',
      ],
    },
  ]);
  expect(stitches(timeline)).toEqual([
    'Sign-up completed: sdk cookie',
    'Sign-out completed: sdk cookie',
    'Sign-in completed: sdk cookie',
  ]);
  await collector.expectOnePerson(signedUp.user, first.device, second.device);
  const verdict = await expectCleanVerdict(visitor.page);
  expect(verdict?.person).toBe(signedUp.user);
  expect(rules(verdict, 'explained'), 'nothing needs an explanation').toEqual([]);

  const viewer = await newTab();
  await viewer.goto('/timeline');
  for (const group of sessionGroups(timeline)) {
    const shown = viewer.page.locator(`article[data-session="${group.session}"]`);
    await expect.poll(() => lines(shown)).toEqual(expect.arrayContaining(group.events.map(withoutPath)));
    const own = (await lines(shown)).slice(0, group.events.length);
    expect(own).toEqual(group.events.map(withoutPath));
  }
  const sessions = viewer.page.locator('.timeline-session');
  await expect(sessions).toHaveCount(2);
  const person = viewer.page.locator('#person');
  await person.locator('summary').click();
  await expect(person.getByText(first.device)).toBeVisible();
  await expect(person.getByText(second.device)).toBeVisible();
});

test('the timeline grows while it is open', async ({ visitor, collector, newTab }) => {
  const { user, session } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  await visitor.goto('/timeline');
  const opened = await visitor.boot();
  const shown = visitor.page.locator(`article[data-session="${session}"]`);
  await expect(shown.locator('li[data-event="Sign-up completed"]')).toBeVisible();
  await expect(shown.locator('li[data-event="Poll created"]')).toHaveCount(0);

  const other = await newTab();
  await other.createPoll();
  const created = shown.locator('li.browser[data-event="Poll created"]');
  await expect(created).toBeVisible();
  await expect(created.locator('.badge')).toHaveText('browser');
  expect((await visitor.boot()).now, 'the document is still the same').toBe(opened.now);

  await created.locator('summary').first().click();
  await expect(created.locator('dd').getByText(user, { exact: true }).first()).toBeVisible();
});

test('an event shows where its IDs come from', async ({ visitor, collector }) => {
  const { user, device, session } = await visitor.signUp();
  await collector.waitFor(user, 'Sign-up completed');
  await visitor.goto('/timeline');
  const event = visitor.page.locator('li[data-event="Sign-up completed"]');
  await expect(event.locator('.badge')).toHaveText('server');
  await event.locator('summary').first().click();
  for (const text of [user, device, String(session), `sign-up:${user}`]) {
    await expect(event.locator('dd').getByText(text, { exact: true }).first()).toBeVisible();
  }
  await expect(event.locator('.event-stitching')).toBeVisible();
  await event.getByText('Raw JSON').click();
  await expect(event.locator('pre')).toContainText(`"$insert_id": "sign-up:${user}"`);
});

/** The events of a session group on the page, without the events that the SDK sends about itself. */
async function lines(group: Locator): Promise<string[]> {
  const all = await group.locator('li[data-event]').evaluateAll((items) =>
    items.map((item) => `${item.className} ${item.getAttribute('data-event')}`),
  );
  const ours = all.filter((line) => !/\$identify|Start Session|End Session/.test(line));
  return ours.map((line) => line.replace('[Amplitude] ', ''));
}

function withoutPath(line: string): string {
  return line.replace(/ \/\S*$/, '');
}
