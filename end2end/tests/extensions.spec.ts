// Extensions and translators change the document before its script and its islands run. Every form and link still works, also in a
// browser without WebAssembly.

import type { Browser, BrowserContext } from '@playwright/test';
import type { Collector } from '../fixtures/collector.ts';
import { named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import { newAccount, Visitor } from '../fixtures/visitor.ts';

/**
 * Changes the document like a password manager and a translator: an element after each input, elements at the start and the end
 * of the body, and each text in a `<font>`, except texts with `translate="no"`.
 */
function changeDocument(): void {
  const box = (): HTMLElement => {
    const element = document.createElement('div');
    element.dataset.extension = '';
    return element;
  };
  const isText = (node: Node): boolean => {
    const parent = node.parentElement;
    return !!parent && !!node.nodeValue?.trim() && !parent.closest('font, script, style, svg, select, [translate=no]');
  };
  const change = (root: Node): void => {
    const element = root instanceof Element ? root : root.parentElement;
    for (const input of element?.querySelectorAll('input, textarea') ?? []) {
      if (!(input.nextElementSibling as HTMLElement | null)?.matches('[data-extension]')) input.after(box());
    }
    const texts: Node[] = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    if (root instanceof Text) texts.push(root);
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts.filter(isText)) {
      const font = document.createElement('font');
      text.parentNode?.replaceChild(font, text);
      font.append(text);
    }
  };
  addEventListener('DOMContentLoaded', () => {
    document.body.prepend(box());
    document.body.append(box());
    change(document.body);
    document.documentElement.dataset.changed = '';
    // A translator also translates later changes.
    const observer = new MutationObserver((records) => {
      for (const { addedNodes } of records) for (const node of addedNodes) if (node.isConnected) change(node);
    });
    observer.observe(document.body, { childList: true, subtree: true });
  });
}

/** Deletes WebAssembly before any script runs. */
function deleteWebAssembly(): void {
  Reflect.deleteProperty(globalThis, 'WebAssembly');
}

/** Signs up, signs out and in, makes a poll, votes, and starts a trial. Returns the user ID and the path of the poll. */
async function everyFlow(visitor: Visitor): Promise<{ user: string; poll: string }> {
  const { page } = visitor;
  const account = newAccount();
  await visitor.goto('/');
  await visitor.follow('Make a poll', '/sign-up');
  const { user } = await visitor.signUp(account);
  await visitor.signOut();
  await visitor.follow('Sign in', '/sign-in');
  await visitor.signIn(account);
  await visitor.createPoll();
  await page.getByRole('link', { name: 'Results and sharing' }).click();
  await page.waitForURL(/\/polls\/[0-9a-f-]{36}$/);
  await visitor.ready();
  const poll = new URL(page.url()).pathname;
  await page.getByRole('link', { name: 'Open the voting page' }).click();
  await page.waitForURL(/\/p\//);
  await visitor.ready();
  await page.getByLabel('Salad').check();
  await page.getByRole('button', { name: 'Vote', exact: true }).click();
  await expect(page.getByText(/^(You have voted|Your vote is in)/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Change my vote' })).toBeVisible();
  await expect(page.locator('.poll-votes')).toHaveText(['0 votes', '1 vote']);
  await visitor.startTrial();
  return { user, poll };
}

/** Each of the flows has its event, once. */
async function expectEvents(collector: Collector, user: string): Promise<void> {
  const names = ['Sign-up completed', 'Sign-in completed', 'Poll created', 'Vote cast', 'Trial started'];
  const timeline = await collector.waitFor(user, ...names);
  for (const name of names) expect(named(timeline, name), name).toHaveLength(1);
}

/** Another voter chooses the first option, in a browser without extensions. */
async function voteOf(browser: Browser, poll: string): Promise<void> {
  const context: BrowserContext = await browser.newContext();
  const friend = new Visitor(await context.newPage(), true);
  await friend.goto(`/p/${poll.split('/').at(-1)}`);
  await friend.page.getByLabel('Soup').check();
  await friend.page.getByRole('button', { name: 'Vote', exact: true }).click();
  await expect(friend.page.getByText('Your vote is in.')).toBeVisible();
  await context.close();
}

test('every flow works with extensions and a translator, and live figures change', async ({
  visitor,
  page,
  context,
  browser,
  collector,
  complaints,
}) => {
  await context.addInitScript(changeDocument);
  const { user, poll } = await everyFlow(visitor);
  await expectEvents(collector, user);

  await visitor.goto(poll);
  await expect(page.locator('html[data-changed][data-islands=started]')).toBeAttached();
  await expect(page.locator('h1 > font')).toHaveText('Lunch?');
  const { now } = await visitor.boot();
  await voteOf(browser, poll);
  await expect(page.locator('.poll-votes')).toHaveText(['1 vote', '1 vote']);
  await expect(page.getByText('2 people have voted')).toBeVisible();
  expect((await visitor.boot()).now, 'the document is still the same').toBe(now);
  expect(complaints.unexpected()).toEqual([]);
});

test('errors of a form are shown in a changed document', async ({ visitor, context, complaints }) => {
  complaints.expect(/status of 422/);
  await context.addInitScript(changeDocument);
  await visitor.goto('/sign-up');
  await visitor.fill({ email: 'not-an-address', password: 'short' });
  await visitor.submitAndLoad();
  await expect(visitor.error('email')).toContainText('does not look like an email address');
  await expect(visitor.error('password')).toHaveText('Please use at least 10 characters.');
  await expect(visitor.field('email')).toHaveValue('not-an-address');
  await expect(visitor.field('email')).toBeFocused();
});

test('every flow works without WebAssembly', async ({ visitor, page, context, browser, collector, complaints }) => {
  complaints.expect(/^warning: Live updates are off/);
  await context.addInitScript(deleteWebAssembly);
  const { user, poll } = await everyFlow(visitor);
  await expectEvents(collector, user);

  // The numbers are those of the document.
  await voteOf(browser, poll);
  await visitor.goto(poll);
  await expect(page.locator('html[data-islands=failed]')).toBeAttached();
  await expect(page.locator('.poll-votes')).toHaveText(['1 vote', '1 vote']);
});
