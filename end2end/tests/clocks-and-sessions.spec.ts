// Wrong data from a browser: its clock, an old session, and IDs in the URL. The timeline stays one.

import type { Page } from '@playwright/test';
import { expectConsistent, expectTimeline, named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount } from '../fixtures/visitor.ts';

const MINUTE = 60_000;

/** Shifts the browser's clock by so many ms on every page. */
async function setClockOff(page: Page, ahead: number): Promise<void> {
  await page.addInitScript((ahead) => {
    const TrueDate = Date;
    globalThis.Date = new Proxy(TrueDate, {
      construct: (_, given: [] | [number]) => (given.length === 0 ? new TrueDate(TrueDate.now() + ahead) : new TrueDate(...given)),
      get: (target, key) => (key === 'now' ? () => TrueDate.now() + ahead : Reflect.get(target, key)),
    });
  }, ahead);
}

for (const ahead of [50_000, -50_000, 5 * MINUTE, -2 * 60 * MINUTE]) {
  test(`events are in causal order with a clock that is off by ${ahead / 1_000} s`, async ({ visitor, page, collector }) => {
    await setClockOff(page, ahead);
    await visitor.goto('/');
    const { device, session } = await visitor.tracked();
    await collector.waitFor(device, 'Page Viewed /');
    await visitor.follow('Make a poll', '/sign-up');
    await collector.waitFor(device, 'Page Viewed /sign-up');
    const { user } = await visitor.signUp();
    await collector.waitFor(user, 'Page Viewed /polls');
    await visitor.createPoll();
    await collector.waitFor(user, 'Poll created');
    await visitor.signOut();
    const timeline = await collector.waitFor(user, 'Sign-out completed', 'Page Viewed /polls', 'Page Viewed /polls');
    expectTimeline(timeline, [
      {
        device,
        session,
        events: [
          'browser Page Viewed /',
          'browser Page Viewed /sign-up',
          'server Sign-up completed',
          'browser Page Viewed /polls',
          'browser Page Viewed /polls/new',
          'browser Poll created',
          'browser Page Viewed /polls',
          'server Sign-out completed',
        ],
      },
    ]);
  });
}

for (const ahead of [50_000, 5 * MINUTE]) {
  test(`an event that the server confirmed has the server's time, with a clock off by ${ahead / 1_000} s`, async ({ visitor, page, collector }) => {
    await setClockOff(page, ahead);
    const { user } = await visitor.signUp();
    await collector.waitFor(user, 'Page Viewed /polls');
    await visitor.createPoll('What time is it?');
    const [confirmed] = (await visitor.boot()).confirmed;
    const timeline = await collector.waitFor(user, 'Poll created');
    const at = (name: string): number => named(timeline, name)[0]?.time ?? Number.NaN;
    expect(Math.abs(at('Poll created') - (confirmed?.time ?? Number.NaN))).toBeLessThan(1_000);
    expect(at('Poll created')).toBeGreaterThan(at('Sign-up completed'));
    expect(at('Poll created')).toBeLessThan(Date.now());
  });
}

test('a session of 40 minutes continues without a second start', async ({ visitor, page, context, baseURL, collector }) => {
  await visitor.goto('/');
  const { device, key } = await visitor.tracked();
  await collector.waitFor(device, 'Page Viewed /');
  await page.goto('about:blank');
  // A session that started 40 minutes ago, with the last click two minutes ago.
  const began = Date.now() - 40 * MINUTE;
  await context.clearCookies({ name: `AMP_${key.slice(0, 10)}` });
  await context.addCookies([{ name: 'seam_session', value: `${began}.${Date.now() - 2 * MINUTE}`, url: baseURL ?? '' }]);

  await visitor.goto('/sign-up');
  expect(await visitor.tracked()).toMatchObject({ device, session: began });
  await collector.waitFor(device, 'Page Viewed /sign-up');
  const { user } = await visitor.signUp();
  const timeline = await collector.waitFor(user, 'Sign-up completed', 'Page Viewed /polls');
  expectConsistent(timeline);
  const ofSession = timeline.filter((event) => event.session === began);
  expectTimeline(ofSession, [
    {
      device,
      session: began,
      events: ['browser Page Viewed /sign-up', 'server Sign-up completed', 'browser Page Viewed /polls'],
    },
  ]);
  expect(named(ofSession, 'session_start')).toEqual([]);
  expect(named(timeline, 'session_end')).toEqual([]);
});

test('a session ends after half an hour without activity', async ({ visitor, page, context, baseURL, collector }) => {
  const { user, device, session, key } = await visitor.signUp();
  await collector.waitFor(user, 'Page Viewed /polls');
  await page.goto('about:blank');
  await context.clearCookies({ name: `AMP_${key.slice(0, 10)}` });
  const began = session - 60 * MINUTE;
  await context.addCookies([{ name: 'seam_session', value: `${began}.${Date.now() - 31 * MINUTE}`, url: baseURL ?? '' }]);
  await visitor.goto('/polls');
  const later = await visitor.signedIn();
  expect(later).toMatchObject({ user, device });
  expect(later.session).toBeGreaterThan(session);
  const timeline = await collector.waitFor(user, 'Page Viewed /polls', 'Page Viewed /polls');
  expectConsistent(timeline);
  expect(timeline.filter((event) => event.session === later.session).map((event) => event.label)).toContain('Page Viewed /polls');
});

test('IDs in the URL are ignored', async ({ visitor, collector }) => {
  const foreign = crypto.randomUUID();
  await visitor.goto(`/?ampDeviceId=${foreign}&ampSessionId=1700000000000&deviceId=${foreign}`);
  const { device, session } = await visitor.tracked();
  expect(device).not.toBe(foreign);
  const timeline = await collector.waitFor(device, 'Page Viewed /');
  expectTimeline(timeline, [{ device, session, events: ['browser Page Viewed /'] }]);
  expect(await collector.personOf(foreign)).toBeNull();
});

test('forged cookies are ignored', async ({ visitor, page, context, baseURL, collector, complaints }) => {
  // With the previous login forged, events of the previous user that the browser has not sent yet are refused.
  complaints.expect(/status of 400.*\/ingest/, /Amplitude Logger/);
  const account = newAccount();
  const { user } = await visitor.signUp(account);
  await collector.waitFor(user, 'Sign-up completed');
  const { key } = await visitor.signOut();
  await page.goto('about:blank');
  for (const [name, value] of [
    ['seam_device', '../../etc/passwd'],
    ['seam_session', '99999999999999.1'],
    ['seam_clock', '1e309'],
    ['seam_confirmed.poll-created.1', 'x'.repeat(3_900)],
    ['seam_previous', user],
    ['seam_login', 'AAAA'],
    [`AMP_${key.slice(0, 10)}`, 'bm90IGpzb24='],
  ] as const) {
    await context.addCookies([{ name, value, url: baseURL ?? '' }]);
  }
  await visitor.goto('/');
  const { device } = await visitor.tracked();
  expect(device).toMatch(/^[0-9a-f-]{36}$/);
  await collector.waitFor(device, 'Page Viewed /');
  expect((await visitor.signIn(account)).user).toBe(user);
  expectConsistent(await collector.waitFor(user, 'Sign-in completed'));
});
