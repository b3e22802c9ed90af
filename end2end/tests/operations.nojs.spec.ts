// The operator's page without scripts: filters are links, payloads unfold, and an outdated form changes nothing.

import { expect, test } from '../fixtures/test.ts';

test('filters, a payload, and an outdated form', async ({ visitor, page }) => {
  await visitor.signUp();
  await visitor.startTrial();
  await visitor.goto('/operations');
  await page.getByRole('navigation', { name: 'Which webhooks' }).getByRole('link', { name: 'Applied', exact: true }).click();
  await expect(page).toHaveURL(/webhooks=applied/);
  const webhook = page.locator('li[data-webhook]').first();
  await webhook.getByText('Payload').click();
  await expect(webhook.locator('pre')).toContainText('"object": "event"');

  const id = await webhook.getAttribute('data-webhook');
  const answer = await page.request.post('/operations', {
    form: { action: 'replay_webhook', id: id ?? '', webhooks: 'applied' },
    headers: { origin: new URL(page.url()).origin },
  });
  expect(answer.url()).toContain('/operations?done=not-parked&webhooks=applied');
  expect(await answer.text()).toContain('Nothing was changed: this entry is not parked.');
});
