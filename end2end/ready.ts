// Waits until the server answers that it is ready: cargo-leptos starts it just before the tests and does not wait.

import type { FullConfig } from '@playwright/test';
import { unlockStripe } from './fixtures/lock.ts';

const LIMIT_MS = 60_000;
const PAUSE_MS = 100;

export default async function waitUntilReady(config: FullConfig): Promise<void> {
  // A run that was killed may have left it.
  unlockStripe();
  const baseURL = config.projects[0]?.use.baseURL;
  if (!baseURL) throw new Error('the configuration names no baseURL');
  const address = new URL('/readyz', baseURL);
  const deadline = Date.now() + LIMIT_MS;
  let last = 'no answer';
  while (Date.now() < deadline) {
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(5_000) });
      if (answer.ok) return;
      last = `${answer.status} ${await answer.text()}`;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`${address} was not ready within ${LIMIT_MS / 1000} s: ${last}`);
}
