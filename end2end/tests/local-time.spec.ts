// Field case 9: a user reads and enters times in the own time zone, also across a daylight-saving change.

import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';
import type { Visitor } from '../fixtures/visitor.ts';

test.use({ timezoneId: 'America/New_York' });

/** The closing time on the card of a poll: the text, and the instant. */
async function closing(page: Page, question: string): Promise<readonly (string | null)[]> {
  const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: question, exact: true }) });
  const time = card.locator('time');
  return [await time.textContent(), await time.getAttribute('datetime')];
}

async function createPoll(visitor: Visitor, question: string, closes_at: string): Promise<void> {
  await visitor.goto('/polls/new');
  await visitor.fill({ question, 'option-0': 'a', 'option-1': 'b', closes_at });
  await visitor.submit();
  await expect(visitor.page.getByRole('heading', { name: question, exact: true })).toBeVisible();
  await visitor.ready();
}

test('case 9: a closing time is entered and shown in local time', async ({ visitor, page, complaints }) => {
  complaints.expect(/status of 422/);
  await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/polls/new');
  await expect(page.getByLabel('Closing time (America/New_York)')).toHaveAttribute('type', 'datetime-local');

  await createPoll(visitor, 'Winter?', '2099-01-15T10:00');
  expect(await closing(page, 'Winter?')).toEqual(['2099-01-15, 10:00 EST', '2099-01-15T15:00:00Z']);
  await createPoll(visitor, 'Summer?', '2099-07-15T10:00');
  expect(await closing(page, 'Summer?')).toEqual(['2099-07-15, 10:00 EDT', '2099-07-15T14:00:00Z']);
  // The offset is that of the time, before and after clocks go back on 1 November 2099.
  await createPoll(visitor, 'Before?', '2099-10-31T10:00');
  expect(await closing(page, 'Before?')).toEqual(['2099-10-31, 10:00 EDT', '2099-10-31T14:00:00Z']);
  await createPoll(visitor, 'After?', '2099-11-02T10:00');
  expect(await closing(page, 'After?')).toEqual(['2099-11-02, 10:00 EST', '2099-11-02T15:00:00Z']);

  // The field has local time again where the poll is edited, and an unchanged field changes nothing.
  await page.getByRole('link', { name: 'Summer?' }).click();
  await visitor.ready();
  await expect(page.locator('.poll-turnout time')).toHaveText('2099-07-15, 10:00 EDT');
  await visitor.follow('Edit this poll', '**/edit');
  await expect(visitor.field('closes_at')).toHaveValue('2099-07-15T10:00');
  await visitor.submit();
  await page.waitForURL(/\/polls\/[^/]+(\?done=.*)?$/);
  await visitor.ready();
  await expect(page.locator('.poll-turnout time')).toHaveAttribute('datetime', '2099-07-15T14:00:00Z');

  // A refused form keeps what was typed.
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'Past?', 'option-0': 'a', 'option-1': 'b', closes_at: '2001-07-01T10:00' });
  await visitor.submit();
  await expect(visitor.error('closes_at')).toHaveText('This time has passed already. Please choose a later one.');
  await visitor.ready();
  await expect(visitor.field('closes_at')).toHaveValue('2001-07-01T10:00');
});

test('case 9: the days of a subscription are local, and stay so when the page refreshes itself', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/billing');
  const end = page.locator('.billing-plan time');
  const instant = (await end.getAttribute('datetime')) ?? '';
  const parts = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'America/New_York' } as const;
  const day = new Intl.DateTimeFormat('en-GB', parts).format(new Date(instant));
  await expect(end).toHaveText(new RegExp(`^${day} \\(E[SD]T\\)$`));
  await page.evaluate(() => (window as unknown as { seam: { refresh: () => Promise<void> } }).seam.refresh());
  await expect(end).toHaveText(new RegExp(`^${day} \\(E[SD]T\\)$`));
  await visitor.goto('/settings');
  await expect(page.locator('.settings-logins time')).toHaveText(/\(E[SD]T\)$/);
});

test('case 9: half of a date is refused, and is not an empty field', async ({ visitor, complaints }) => {
  // The browser cannot show what was sent.
  complaints.expect(/status of 422/, /does not conform to the required format/);
  await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/polls/new');
  await visitor.fill({ question: 'When?', 'option-0': 'a', 'option-1': 'b' });
  await visitor.field('closes_at').pressSequentially('01012099');
  await visitor.submit();
  await expect(visitor.error('closes_at')).toHaveText('Please give a date and a time, like 2026-12-24T18:00.');
});
