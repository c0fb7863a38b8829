/** Debian's chromium, driven from the test. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** `it`, or a test that counts as skipped, with the reason in its title, where there is no browser. */
export function itInBrowser(title: string, test: () => Promise<void>): void {
  if (existsSync(CHROMIUM)) it(title, test);
  else it.skip(`${title} (skipped: ${CHROMIUM} is not there)`, test);
}

export async function startBrowser(): Promise<Browser | null> {
  if (!existsSync(CHROMIUM)) return null;
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Root has no other way; the only page is our own.
      '--no-sandbox',
      '--headless',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      // Nothing but what the page itself asks for.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-default-browser-check',
      '--no-first-run',
    ],
  });
}
