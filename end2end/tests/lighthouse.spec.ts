// Lighthouse, on a phone: accessibility and best practices have full marks on every kind of page, and SEO on public pages.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import lighthouse from 'lighthouse';
import { expect, test } from '../fixtures/test.ts';
import { Visitor } from '../fixtures/visitor.ts';

/** The debug build's wasm is large and has no source map. The release build is small enough to need none. */
const NOT_OURS = ['valid-source-maps'];

type Category = 'accessibility' | 'best-practices' | 'seo';

/** A free port. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Each audit that found something, with what it found. */
async function faults(url: string, port: number, onlyCategories: Category[]): Promise<string[]> {
  const flags = { port, onlyCategories, logLevel: 'error', disableStorageReset: true } as const;
  const settings = { throttlingMethod: 'provided', skipAudits: NOT_OURS } as const;
  const run = await lighthouse(url, flags, { extends: 'lighthouse:default', settings });
  if (!run) throw new Error(`Lighthouse says nothing of ${url}`);
  expect(run.lhr.runtimeError, url).toBeUndefined();
  const categories = Object.values(run.lhr.categories);
  expect(categories.map(({ id }) => id).sort(), url).toEqual([...onlyCategories].sort());
  return categories
    .flatMap(({ auditRefs }) => auditRefs)
    .map(({ id }) => run.lhr.audits[id])
    .filter((audit) => audit !== undefined && audit.score !== null && audit.score < 1)
    .map((audit) => `${url}: ${audit?.title} ${JSON.stringify(audit?.details).slice(0, 600)}`);
}

test('Lighthouse finds nothing', async ({ baseURL, verdicts, launchOptions }) => {
  test.setTimeout(300_000);
  const port = await freePort();
  const profile = await mkdtemp(join(tmpdir(), 'seamline-lighthouse-'));
  // Lighthouse controls a browser over the DevTools protocol: it needs a port, and the visitor's cookies.
  const context = await chromium.launchPersistentContext(profile, {
    ...launchOptions,
    baseURL,
    args: [...(launchOptions.args ?? []), `--remote-debugging-port=${port}`],
  });
  try {
    const page: Page = context.pages()[0] ?? (await context.newPage());
    const visitor = new Visitor(page, true, verdicts);
    const look = (path: string, ...categories: Category[]) =>
      faults(new URL(path, baseURL).href, port, ['accessibility', 'best-practices', ...categories]);
    const found: string[] = [];
    for (const path of ['/', '/pricing']) found.push(...(await look(path, 'seo')));
    found.push(...(await look('/sign-up')));
    await visitor.signUp();
    await visitor.createPoll();
    await page.getByRole('link', { name: 'Results and sharing' }).click();
    await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
    const poll = new URL(page.url()).pathname;
    const signedIn = ['/polls', poll, `/p/${poll.split('/').at(-1)}`, '/timeline', '/billing', '/settings'];
    for (const path of signedIn) found.push(...(await look(path)));
    expect(found).toEqual([]);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
});
