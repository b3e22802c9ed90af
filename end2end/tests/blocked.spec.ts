// (c) A blocker stops the browser's events: the server's events are all there, stitched, and the pages work.

import { expectConsistent, expectTimeline, stitches } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { broken, expectCleanVerdict, rules, verdictOn } from '../fixtures/verdict.ts';
import { newAccount } from '../fixtures/visitor.ts';

test('the SDK and the ingest route are blocked', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/ERR_FAILED.*\/vendor\//);
  const ingested: string[] = [];
  await page.route('**/vendor/**', (route) => route.abort());
  await page.route('/ingest', (route) => {
    ingested.push(route.request().url());
    return route.abort();
  });

  const account = newAccount();
  await visitor.goto('/');
  const first = await visitor.tracked();
  const { user } = await visitor.signUp(account);
  await visitor.createPoll();
  const second = await visitor.signOut();
  expect(second.device).not.toBe(first.device);
  await visitor.signIn(account);
  await expect(page.getByRole('heading', { name: 'Lunch?' })).toBeVisible();

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
  expect(ingested, 'without the SDK no events are sent').toEqual([]);
  const verdict = await expectCleanVerdict(user);
  expect(rules(verdict, 'explained'), 'the facts say why').toEqual(['present events inside a browser session']);

  // Two devices: each document of both, and the poll.
  await page.goto('/timeline');
  await visitor.ready();
  const loss = page.locator('#browser-loss');
  await loss.getByText('Browser event loss').click();
  await expect(loss).toContainText('100 % of the events that the browser fired did not arrive');
  await expect(loss).toContainText('3 events were sent by the server');
  await expect(loss.getByRole('row', { name: 'Feature events' }).getByRole('cell')).toHaveText(['1', '0']);
});

test('only the ingest route is blocked', async ({ visitor, page, collector, complaints, verdicts }) => {
  // The SDK ran and its events did not arrive: a loss without an explanation.
  verdicts.expect('present events inside a browser session');
  complaints.expect(/ERR_FAILED.*\/ingest/, /Amplitude Logger/);
  const blocked = page.waitForRequest('**/ingest');
  await page.route('/ingest', (route) => route.abort());

  await visitor.goto('/');
  const { device, session } = await visitor.tracked();
  await blocked;
  const { user } = await visitor.signUp();
  await visitor.createPoll();
  await visitor.signOut();

  const timeline = await collector.waitFor(user, 'Sign-out completed');
  expectConsistent(timeline);
  // A route cannot block the requests of a page that unloads, so one browser event may arrive.
  const ofServer = timeline.filter((event) => event.source === 'server');
  expectTimeline(ofServer, [{ device, session, events: ['server Sign-up completed', 'server Sign-out completed'] }]);
  // The SDK ran, and its cookie names the session.
  expect(stitches(timeline)).toEqual(['Sign-up completed: sdk cookie', 'Sign-out completed: sdk cookie']);
  if (ofServer.length === timeline.length) {
    const loss = broken(await verdictOn(user));
    expect(loss).toHaveLength(2);
    expect(loss[0]).toContain('Sign-up completed: The SDK ran');
  }
});
