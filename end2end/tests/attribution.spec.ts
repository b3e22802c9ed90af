// Context and attribution: the server records them where the SDK is blocked, and both sides agree where it is not.

import { convertFromCampaign, rowOf } from '../fixtures/campaign.ts';
import { expect, test } from '../fixtures/test.ts';
import { named } from '../fixtures/timeline.ts';
import { expectCleanVerdict } from '../fixtures/verdict.ts';

const SDK_TOUCH = 'By first touch, as the SDK alone reported it';

test('with the SDK blocked, revenue is attributed to the campaign', async ({ visitor, page, collector, stripe, complaints }) => {
  complaints.expect(/net::ERR_(FAILED|BLOCKED_BY_CLIENT)/);
  await page.route('**/vendor/**', (route) => route.abort());
  await page.route('**/ingest', (route) => route.abort());
  const { campaign } = await convertFromCampaign(visitor, collector, stripe);
  await expect(rowOf(page, SDK_TOUCH, campaign), 'the SDK reported nothing').toHaveCount(0);
});

test('where the SDK runs, both sides record the same first touch and context', async ({ visitor, page, collector }) => {
  await visitor.goto('/?utm_source=both&utm_medium=email&fbclid=IwAR');
  const { device } = await visitor.tracked();
  await collector.waitFor(device, 'Page Viewed /');
  const { user } = await visitor.signUp();
  const timeline = await collector.waitFor(user, 'Page Viewed /', 'Sign-up completed', 'Page Viewed /polls');
  const [landing] = named(timeline, 'Page Viewed');
  const [signUp] = named(timeline, 'Sign-up completed');
  expect(landing?.userProperties).toMatchObject({ initial_utm_source: 'both', initial_fbclid: 'IwAR', initial_gclid: 'EMPTY' });
  expect(signUp?.properties).toMatchObject({ utm_source: 'both', fbclid: 'IwAR', page_path: '/sign-up' });
  const verdict = await expectCleanVerdict(user);
  for (const rule of ['context as in the browser', 'one first touch'])
    expect(verdict?.rulings.find((ruling) => ruling.rule === rule)).toMatchObject({ standing: 'holds' });

  // The loss meter writes what has arrived after a moment.
  await expect(async () => {
    await visitor.goto('/operations/campaigns');
    await expect(rowOf(page, SDK_TOUCH, 'both / email')).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await visitor.goto(`/timeline?find=${user}`);
  const row = page.locator('li[data-event="Sign-up completed"]');
  await row.locator('summary').first().click();
  await expect(row.getByRole('heading', { name: 'Context of the request' })).toBeVisible();
  await expect(row.getByText('both / email')).toBeVisible();
});

test('on a shared laptop a second person inherits nothing', async ({ visitor, collector }) => {
  await visitor.goto('/?utm_source=first-person&gclid=Cj0K');
  await visitor.signUp();
  await visitor.signOut();
  const second = await visitor.signUp();
  const [signUp] = named(await collector.waitFor(second.user, 'Sign-up completed'), 'Sign-up completed');
  expect(signUp?.properties).not.toHaveProperty('utm_source');
  expect(signUp?.properties).not.toHaveProperty('gclid');
  expect(signUp?.userProperties.initial_utm_source).not.toBe('first-person');
});
