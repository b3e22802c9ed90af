// Context and attribution with JavaScript off.

import { convertFromCampaign } from '../fixtures/campaign.ts';
import { test } from '../fixtures/test.ts';

test('without script, revenue is attributed to the campaign', async ({ visitor, collector, stripe }) => {
  await convertFromCampaign(visitor, collector, stripe);
});
