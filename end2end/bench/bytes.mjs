// What a browser downloads for each page with an empty cache, printed as JSON. `bench bytes` starts it.
// Usage: node bench/bytes.mjs SITE EMAIL PASSWORD

import { islandsStarted, launch, signIn } from './chromium.mjs';

const [site, email, password] = process.argv.slice(2);
const browser = await launch();

/** Opens a page in a context whose cache is empty. */
async function measure(path, storageState) {
  const context = await browser.newContext({ storageState });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.setCacheDisabled', { cacheDisabled: true });
  const requests = new Map();
  let loaded = false;
  network.on('Network.requestWillBeSent', ({ requestId, request, type }) =>
    requests.set(requestId, { url: new URL(request.url).pathname, type, beforeLoad: !loaded, bytes: 0 }),
  );
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId);
    if (request) request.bytes = encodedDataLength;
  });
  page.on('load', () => (loaded = true));
  await page.goto(site + path);
  if (await page.locator('leptos-island').count()) await islandsStarted(page);
  await page.waitForLoadState('networkidle').catch(() => {});
  await context.close();
  const all = [...requests.values()];
  const sum = (of) => all.filter(of).reduce((bytes, request) => bytes + request.bytes, 0);
  const isWasm = ({ url }) => url.endsWith('.wasm');
  const isIslands = ({ url }) => isWasm({ url }) || url.endsWith('/seamline.js');
  return {
    path,
    scriptsAndStyles: sum((request) => /\.(js|css)$/.test(request.url) && !isIslands(request)),
    islands: sum(isIslands),
    wasm: sum(isWasm),
    wasmBeforeLoad: all.some((request) => isIslands(request) && request.beforeLoad),
    document: sum(({ type }) => type === 'Document'),
  };
}

const context = await browser.newContext();
const page = await context.newPage();
await signIn(page, site, email, password);
await page.goto(`${site}/polls/new`);
await page.fill('#question', 'Lunch?');
await page.fill('#option-0', 'Soup');
await page.fill('#option-1', 'Salad');
await page.click('main button[type=submit]');
await page.waitForURL('**/polls?done=created');
const poll = await page.getByRole('link', { name: 'Vote' }).getAttribute('href');
const signedIn = await context.storageState();
await context.close();

const pages = [];
for (const path of ['/', '/sign-in', '/sign-up']) pages.push(await measure(path));
for (const path of ['/pricing', '/settings', '/polls', poll, poll.replace('/p/', '/polls/'), '/billing', '/timeline', '/lab'])
  pages.push(await measure(path, signedIn));
process.stdout.write(JSON.stringify(pages));
await browser.close();
