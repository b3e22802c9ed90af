// Measures in Chromium how a long timeline opens and scrolls, and prints the result as JSON. `bench timeline` starts it.
// Usage: node bench/timeline.mjs SITE EMAIL PASSWORD OPENINGS PAGES

import { islandsStarted, launch, signIn } from './chromium.mjs';

const [site, email, password, openings, pages] = process.argv.slice(2);

/** Records the duration of each long task (over 50 ms, by the standard), and the time at which the islands run. */
const watch = () => {
  window.longTasks = [];
  new MutationObserver((_, observer) => {
    if (document.documentElement?.dataset.islands !== 'started') return;
    window.islandsStartedAt = performance.now();
    observer.disconnect();
  }).observe(document, { attributes: true, childList: true, subtree: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longTasks.push(task.duration);
  }).observe({ type: 'longtask', buffered: true });
};

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
await context.addInitScript(watch);
const page = await context.newPage();
await signIn(page, site, email, password);

// Fails in a browser that does not report long tasks.
const reported = await page.evaluate(async () => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  await pause(0);
  for (const until = performance.now() + 80; performance.now() < until; );
  await pause(200);
  return window.longTasks.splice(0).length;
});
if (reported === 0) throw new Error('this browser reports no long tasks');

/** Opens the timeline; returns times in ms from the start of the navigation. */
async function open() {
  await page.goto(`${site}/timeline`);
  await islandsStarted(page);
  return page.evaluate(async () => {
    const [navigation] = performance.getEntriesByType('navigation');
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return {
      firstByte: navigation.responseStart,
      document: navigation.responseEnd,
      bytes: navigation.decodedBodySize,
      painted: paint?.startTime ?? null,
      islandsStarted: window.islandsStartedAt,
      events: document.querySelectorAll('li[data-event]').length,
      tasks: window.longTasks.splice(0),
    };
  });
}

/** Scrolls to the end, about one wheel notch per frame; returns the long tasks. */
async function scroll() {
  await page.evaluate(() => (window.longTasks.length = 0));
  await page.mouse.move(640, 400);
  for (let notch = 0; notch < 4_000; notch++) {
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(16);
    const atEnd = await page.evaluate(() => innerHeight + scrollY >= document.documentElement.scrollHeight - 2);
    if (atEnd) break;
  }
  await page.waitForTimeout(200);
  return page.evaluate(() => window.longTasks.splice(0));
}

const opened = [];
for (let time = 0; time < Number(openings); time++) opened.push(await open());
await page.waitForTimeout(2_000);
const first = await scroll();

// Each page of earlier sessions is a document.
const reads = [];
for (let time = 0; time < Number(pages); time++) {
  const link = page.getByRole('link', { name: 'Earlier sessions' });
  const earlier = site + (await link.getAttribute('href'));
  const started = Date.now();
  await link.click();
  await page.waitForURL(earlier, { waitUntil: 'load' });
  const took = Date.now() - started;
  await page.waitForTimeout(300);
  reads.push({ took, tasks: await page.evaluate(() => window.longTasks.splice(0)) });
}
const whole = await scroll();
const events = await page.locator('li[data-event]').count();
process.stdout.write(JSON.stringify({ opened, first, reads, whole, events }));
await browser.close();
