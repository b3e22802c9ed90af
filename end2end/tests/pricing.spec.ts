// The interval of a subscription: the price on the page, the event of the click, Checkout and Stripe's webhook agree, also
// where the browser has selected "yearly" without the page's script.

import type { Page } from '@playwright/test';
import type { Collector } from '../fixtures/collector.ts';
import { expectConsistent, named } from '../fixtures/timeline.ts';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

const yearly = (page: Page) => page.getByRole('radio', { name: 'yearly' });

/** Starts a trial from the prices, where "yearly" is selected already, and expects every place to have the year. */
async function expectYearlyTrial(visitor: Visitor, collector: Collector, user: string): Promise<void> {
  const { page } = visitor;
  await expect(yearly(page)).toBeChecked();
  await expect(page.getByText('$120 a year')).toBeVisible();
  await expect(page.getByText('$12 a month')).toBeHidden();
  await page.getByRole('button', { name: /^Start .*trial$/ }).click();
  await page.waitForURL(/\/c\/pay\//);
  await expect(page.getByText('$120.00').first()).toBeVisible();
  await expect(page.getByText('$12.00')).toHaveCount(0);
  await visitor.completeCheckout();
  await expect(page.getByRole('heading', { name: 'Welcome to Pro' })).toBeVisible();

  const timeline = await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  expectConsistent(timeline);
  for (const name of ['Trial checkout clicked', 'Trial started']) {
    expect(named(timeline, name), name).toHaveLength(1);
    expect(named(timeline, name)[0]?.properties, name).toMatchObject({ interval: 'year' });
  }
  expect(named(timeline, 'Trial started')[0]?.properties.click).toBe(named(timeline, 'Trial checkout clicked')[0]?.insertId);
}

test('yearly, selected at first paint', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/seam.js', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('/pricing', { waitUntil: 'commit' });
  await yearly(page).check();
  await expect(page.getByText('$120 a year')).toBeVisible();
  await expect(page.locator('html')).not.toHaveAttribute('data-script');
  release();
  await visitor.ready();
  await expectYearlyTrial(visitor, collector, user);
});

test('yearly, restored by Back', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  await visitor.goto('/pricing');
  await yearly(page).check();
  await page.getByRole('link', { name: 'Timeline' }).first().click();
  await page.waitForURL('/timeline');
  await visitor.ready();
  await page.goBack();
  await page.waitForURL('/pricing');
  await visitor.ready();
  await expectYearlyTrial(visitor, collector, user);
});

test('yearly, restored by Back from Checkout', async ({ visitor, page, collector, stripe }) => {
  void stripe;
  const { user } = await visitor.signUp();
  await visitor.leaveForCheckout('yearly');
  await page.goBack();
  await page.waitForURL('/pricing');
  await visitor.ready();
  await expect(yearly(page)).toBeChecked();
  await page.getByRole('button', { name: /^Start .*trial$/ }).click();
  await page.waitForURL(/\/c\/pay\//);
  await expect(page.getByText('$120.00').first()).toBeVisible();
  await visitor.completeCheckout();
  const timeline = await collector.waitFor(user, 'Trial checkout clicked', 'Trial started');
  expectConsistent(timeline);
  const intervals = timeline.filter(({ name }) => /^Trial (checkout clicked|started)$/.test(name));
  expect(new Set(intervals.map(({ properties }) => properties.interval))).toEqual(new Set(['year']));
});

test('yearly, restored by a reload', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  await visitor.goto('/pricing');
  await yearly(page).check();
  // Chromium resets the form. Firefox restores it before the page's script runs, and fires no event for it.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      const radio = document.querySelector<HTMLInputElement>('input[name=interval][value=year]');
      if (!radio) return;
      observer.disconnect();
      radio.checked = true;
    }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await visitor.ready();
  await expectYearlyTrial(visitor, collector, user);
});

test('selecting an interval is an event with the interval that was selected', async ({ visitor, page, collector }) => {
  const { user } = await visitor.signUp();
  await visitor.goto('/pricing');
  await yearly(page).check();
  await page.getByRole('radio', { name: 'monthly' }).check();
  const selected = 'Pricing interval selected';
  const timeline = await collector.waitFor(user, selected, selected);
  expect(named(timeline, selected)).toMatchObject([
    { plan: 'valid', properties: { interval: 'year', surface: 'pricing' } },
    { plan: 'valid', properties: { interval: 'month', surface: 'pricing' } },
  ]);
});
