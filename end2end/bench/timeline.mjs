// How a long story opens and scrolls: driven and measured in Chromium, told as JSON. `bench timeline` starts it.
// Usage: node bench/timeline.mjs SITE EMAIL PASSWORD OPENINGS PAGES

import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const [site, email, password, openings, pages] = process.argv.slice(2);
const executablePath =
  process.env.SEAMLINE_CHROMIUM || (existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : undefined);
const args = ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
if (process.getuid?.() === 0) args.push('--no-sandbox');

/** Keeps every long task (over 50 ms, by the standard) with its length, and the moment at which the page came alive. */
const watch = () => {
  window.longTasks = [];
  new MutationObserver((_, observer) => {
    if (!document.documentElement?.hasAttribute('data-hydrated')) return;
    window.aliveAt = performance.now();
    observer.disconnect();
  }).observe(document, { attributes: true, childList: true, subtree: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longTasks.push(task.duration);
  }).observe({ type: 'longtask', buffered: true });
};

const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
await context.addInitScript(watch);
const page = await context.newPage();
const alive = () => page.waitForSelector('html[data-hydrated]', { state: 'attached' });
await page.goto(`${site}/sign-in`);
await alive();
await page.fill('#email', email);
await page.fill('#password', password);
await page.click('main button[type=submit]');
await page.waitForURL('**/polls');
await alive();

// A browser that reports no long task would find none.
const reported = await page.evaluate(async () => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  await pause(0);
  for (const until = performance.now() + 80; performance.now() < until; );
  await pause(200);
  return window.longTasks.splice(0).length;
});
if (reported === 0) throw new Error('this browser reports no long tasks');

/** Opens the story: ms from the start of the navigation. */
async function open() {
  await page.goto(`${site}/timeline`);
  await alive();
  return page.evaluate(async () => {
    const [navigation] = performance.getEntriesByType('navigation');
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return {
      firstByte: navigation.responseStart,
      document: navigation.responseEnd,
      bytes: navigation.decodedBodySize,
      painted: paint?.startTime ?? null,
      alive: window.aliveAt,
      events: document.querySelectorAll('li[data-event]').length,
      tasks: window.longTasks.splice(0),
    };
  });
}

/** Wheels down to the end, a notch a frame or so, and gives the long tasks of the way. */
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

// Earlier sessions are put below, page by page, by the button at the end.
const reads = [];
for (let time = 0; time < Number(pages); time++) {
  const before = await page.locator('li[data-event]').count();
  await page.evaluate(() => (window.longTasks.length = 0));
  const started = Date.now();
  await page.getByRole('link', { name: 'Earlier sessions' }).click();
  await page.waitForFunction((count) => document.querySelectorAll('li[data-event]').length > count, before);
  const took = Date.now() - started;
  await page.waitForTimeout(300);
  reads.push({ took, tasks: await page.evaluate(() => window.longTasks.splice(0)) });
}
await page.evaluate(() => scrollTo(0, 0));
await page.waitForTimeout(500);
const whole = await scroll();
const events = await page.locator('li[data-event]').count();
process.stdout.write(JSON.stringify({ opened, first, reads, whole, events }));
await browser.close();
