import type { Browser, Locator, Page } from 'playwright-core';
import { startApplication, type RunningApplication } from '../support/application.js';
import { itInBrowser, startBrowser } from './browser.js';

let application: RunningApplication;
let browser: Browser | null;
let page: Page;
let requests: string[];
let complaints: string[];

beforeAll(async () => {
  application = await startApplication();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await application.close();
});

beforeEach(async () => {
  if (browser === null) return;
  page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  requests = [];
  complaints = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  // A violation of the content security policy is one of these, too.
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.goto(`${application.url}/docs`);
  await page.locator('.opblock').first().waitFor();
});
afterEach(async () => {
  if (browser !== null) await page.close();
});

/** Opens an operation, executes it as it stands, and answers the status and the body that are shown. */
async function tryOut(operationId: string): Promise<{ status: string; body: string }> {
  const operation: Locator = page.locator(`[id$="-${operationId}"]`);
  await operation.locator('.opblock-summary-control').click();
  await operation.locator('.btn.execute').click();
  const answer = operation.locator('.live-responses-table .response');
  const status = await answer.locator('.response-col_status').first().innerText();
  const code = answer.locator('.response-col_description code').first();
  const body = (await code.count()) > 0 ? await code.innerText() : '';
  return { status: status.trim().split(/\s/)[0] ?? '', body };
}

describe('the documentation page', () => {
  itInBrowser('loads whole, from the service alone, without a complaint of the browser', async () => {
    expect(await page.title()).toContain('Sockeye');
    expect(await page.locator('.opblock').count()).toBeGreaterThan(20);
    await page.waitForLoadState('networkidle');
    expect(requests.length).toBeGreaterThan(3);
    const local = (url: string): boolean => url.startsWith(`${application.url}/`) || url.startsWith('data:');
    expect(requests.filter((url) => !local(url))).toEqual([]);
    expect(complaints).toEqual([]);
    if (process.env.SOCKEYE_TEST_SCREENSHOT !== undefined)
      await page.screenshot({ path: process.env.SOCKEYE_TEST_SCREENSHOT, fullPage: true });
  });

  itInBrowser('tries calls as they stand: create a listener, speak with it, list it, close it', async () => {
    const created = await tryOut('createListener');
    expect(created.status).toBe('201');
    expect(created.body).toContain('"name": "demo"');
    const spoken = await tryOut('exchange');
    expect(spoken.status).toBe('200');
    expect(spoken.body).toContain('welcome');
    const listed = await tryOut('listListeners');
    expect(listed.status).toBe('200');
    expect(listed.body).toContain('"name": "demo"');
    expect((await tryOut('closeListener')).status).toBe('204');
    expect(complaints).toEqual([]);
  });
});
