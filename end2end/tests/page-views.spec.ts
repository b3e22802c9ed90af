// Page views: each document that is shown is counted once, with its own title, for every kind of navigation.

import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';

test('a prerendered page is counted when it is shown', async ({ visitor, page, context, collector }) => {
  // Headless Chromium does not prerender. This is a page's view of it.
  await page.addInitScript(() => {
    const isShown = (): boolean => sessionStorage.getItem('shown') !== null;
    Object.defineProperty(Document.prototype, 'prerendering', { get: () => !isShown() });
  });
  const sent: string[] = [];
  page.on('request', (request) => {
    if (/\/vendor\/|\/ingest/.test(request.url())) sent.push(request.url());
  });
  await page.setExtraHTTPHeaders({ 'sec-purpose': 'prefetch;prerender' });
  await page.goto('/');
  expect((await context.cookies()).map((cookie) => cookie.name), 'no device before the page is shown').toEqual([]);
  await expect(page.locator('html[data-script]')).not.toBeAttached();
  expect(sent).toEqual([]);

  await page.setExtraHTTPHeaders({});
  const loaded = page.waitForEvent('load');
  await page.evaluate(() => {
    sessionStorage.setItem('shown', '');
    document.dispatchEvent(new Event('prerenderingchange'));
  });
  await loaded;
  await visitor.ready();
  const { device, session } = await visitor.tracked();
  await visitor.follow('Make a poll', '/sign-up');
  const timeline = await collector.waitFor(device, 'Page Viewed /', 'Page Viewed /sign-up');
  const views = named(timeline, 'Page Viewed').map((view) => [view.label, view.session]);
  expect(views).toEqual([
    ['Page Viewed /', session],
    ['Page Viewed /sign-up', session],
  ]);
});

test('the titles of page views match their paths, for links, Back and Forward', async ({ visitor, page, collector }) => {
  const seen: [path: string, title: string][] = [];
  const note = async (): Promise<void> => {
    await visitor.ready();
    const { pathname } = new URL(page.url());
    seen.push([pathname, await page.title()]);
    // Each has arrived before the next document is loaded.
    await collector.waitFor(device, ...seen.map(([path]) => `Page Viewed ${path}`));
  };
  await visitor.goto('/');
  const { device } = await visitor.tracked();
  await note();
  await visitor.follow('Pricing', '/pricing');
  await note();
  await visitor.follow('Sign in', '/sign-in');
  await note();
  await visitor.follow('Create an account', '/sign-up');
  await note();
  for (const path of ['/sign-in', '/pricing']) {
    await page.goBack();
    await page.waitForURL(path);
    await note();
  }
  await page.goForward();
  await page.waitForURL('/sign-in');
  await note();

  expect(new Set(seen.map(([, title]) => title)).size, 'each page has its own title').toBe(4);
  const timeline = await collector.timelineOf(device);
  const views = named(timeline, 'Page Viewed').map(({ properties }) => [
    properties['[Amplitude] Page Path'],
    properties['[Amplitude] Page Title'],
  ]);
  expect(views).toEqual(seen);
});
