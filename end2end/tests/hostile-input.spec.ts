// User input is text: it is shown as it was typed, runs nothing, and breaks no page.

import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';

test.use({ viewport: { width: 360, height: 740 } });

const texts: Record<string, string> = {
  'a script': '</script><script>document.title = "broken out"</script>',
  'an element': '<img src=x onerror="document.title = \'broken out\'">',
  'quotes': `"it's" 'quoted' \`back\` &amp; & \\ \\u003c`,
  'a template': '{{7*7}} ${7*7} <!--> ]]> %00',
  'right to left': 'ما هو الغداء اليوم؟ مرحبا',
  'emoji': '👩‍👩‍👧‍👦 🏳️‍🌈 \u00e9 Z̸̢͎͘a̷l̵g̶o'.normalize(),
  'one long word': 'W'.repeat(200),
  'a long word of another script': '漢'.repeat(200),
};

for (const [kind, text] of Object.entries(texts)) {
  test(`a poll with ${kind}`, async ({ visitor, page }) => {
    await visitor.signUp();
    const title = await page.title();
    const option = [...text].slice(0, 100).join('');
    await visitor.createPoll(text, [option, 'Plain']);
    await expect(page.locator('li.poll-card h2')).toHaveText(text, { useInnerText: false });
    await expect(page.locator('li.poll-card .poll-options li').first()).toHaveText(option);
    await expectNoSidewaysScroll(page);
    await expect(page).toHaveTitle(title);
    for (const link of ['Results and sharing', 'Open the voting page']) {
      await page.getByRole('link', { name: link }).click();
      await expect(page.locator('.poll-label').first()).toHaveText(option);
      await visitor.ready();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(text, { useInnerText: false });
      await expectNoSidewaysScroll(page);
    }
    await expect(page).not.toHaveTitle('broken out');
  });
}

test('case 18: text that hides or reorders is refused, and stays in its field', async ({ visitor, complaints }) => {
  complaints.expect(/status of 422/);
  await visitor.signUp();
  for (const question of ['safe \u202Egnp.exe\u202C end', '\u3164']) {
    await visitor.goto('/polls/new');
    await visitor.fill({ question, 'option-0': 'a', 'option-1': 'b' });
    await visitor.submit();
    await expect(visitor.error('question')).toContainText('This contains an invisible character (U+');
    await expect(visitor.field('question')).toHaveValue(question);
  }
});

test('10,000 characters stay in their field', async ({ visitor, page, complaints }) => {
  complaints.expect(/status of 422/);
  await visitor.signUp();
  await visitor.goto('/polls/new');
  const long = `${'<b>'.repeat(3_000)}${'W'.repeat(1_000)}`;
  await visitor.fill({ question: long, 'option-0': 'a', 'option-1': 'b' });
  await visitor.submit();
  await expect(visitor.error('question')).toHaveText('Please use at most 200 characters; this has 10000.');
  await expect(visitor.field('question')).toHaveValue(long);
  await expectNoSidewaysScroll(page);
});

test('an address of odd characters is shown as it was typed', async ({ visitor, page, collector, complaints }) => {
  complaints.expect(/status of 422/);
  const email = `o'neil+<b>${'x'.repeat(30)}</b>&"@example.com`;
  await visitor.goto('/sign-up');
  await visitor.fill({ email, password: 'correct horse battery staple' });
  await visitor.submit();
  await expect(visitor.error('email')).toContainText('does not look like an email address');
  await expect(visitor.field('email')).toHaveValue(email);

  const odd = `bjørn.o'neil+${crypto.randomUUID()}@blåbær.example`;
  const { user } = await visitor.signUp({ email: odd, password: 'пароль 密码 🔑🔑🔑' });
  await expect(page.locator('.site-email')).toHaveText(odd);
  await expectNoSidewaysScroll(page);
  const timeline = await collector.waitFor(user, 'Sign-up completed');
  expect(timeline.at(-1)?.userProperties).toMatchObject({ email_domain: 'blåbær.example' });
  expect(JSON.stringify(timeline), 'the address itself goes nowhere').not.toContain('neil');
});

test('hostile searches in the timeline', async ({ visitor, page }) => {
  for (const find of ['</script><script>document.title=1</script>', 'x'.repeat(5_000), '\u202E\u0000%00', "'; DROP TABLE users; --"]) {
    await visitor.goto(`/timeline?find=${encodeURIComponent(find)}`);
    await expect(page).toHaveTitle('Timeline · Seamline');
    await expect(page.getByText(/No events yet|cannot be read|Nothing/).first()).toBeVisible();
    await expectNoSidewaysScroll(page);
  }
});

async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { wide, narrow } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    narrow: document.documentElement.clientWidth,
  }));
  expect(wide, 'the page is no wider than the window').toBeLessThanOrEqual(narrow);
}
