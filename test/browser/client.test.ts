import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { dial, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { itInBrowser, startBrowser } from './browser.js';

/* The client library as tsc writes it, loaded by a page as ES modules, with nothing in between. */

const KEY = 'page.correct-horse-battery';
const directory = mkdtempSync(join(tmpdir(), 'sockeye-client-'));

/** What runs in the page; as text, since the compiler of the tests would make `import` a `require`. */
const ECHO = `async ({ url, token, socketId }) => {
  const { connect } = await import('/index.js');
  const connection = await connect(url, { token });
  const channel = await connection.attach({ socketId });
  let count = 0;
  for await (const bytes of channel) {
    count += bytes.length;
    await channel.send(bytes);
  }
  await channel.shutdown();
  connection.close();
  return { count, eof: channel.eofOffset };
}`;

let pages: Server;
let service: Service;
let browser: Browser | null;

beforeAll(async () => {
  const project = ['-p', 'clients/typescript/tsconfig.json', '--outDir', directory];
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...project]);
  pages = createServer(({ url = '/' }, answer) => {
    const isModule = url.endsWith('.js');
    answer.setHeader('content-type', isModule ? 'text/javascript' : 'text/html');
    answer.end(isModule ? readFileSync(join(directory, url)) : '<!doctype html><title>client</title>');
  }).listen(0, '127.0.0.1');
  await once(pages, 'listening');
  service = await startService(
    { SOCKEYE_API_KEYS: KEY, SOCKEYE_ALLOWED_ORIGINS: pageUrl(), SOCKEYE_EGRESS_ALLOW: '127.0.0.0/8' },
    KEY,
  );
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  pages.close();
  await service.stop();
  await stopPrograms();
  rmSync(directory, { recursive: true, force: true });
});

function pageUrl(): string {
  return `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
}

itInBrowser('a page attaches with its key, receives and answers, and loses nothing', async () => {
  const page = await browser!.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(pageUrl());
  const listener = await service.listen();
  const peer = await dial(listener.port);
  const { id } = await service.connection(listener.id, peer.localPort);
  const options = { url: service.url, token: KEY, socketId: id };
  const heard = page.evaluate(`(${ECHO})(${JSON.stringify(options)})`);
  const sent = await peer.ask({ do: 'send-random', bytes: 500_000, seed: 5 }, 'sent');
  await peer.ask({ do: 'shutdown' }, 'shut-down');
  expect(await peer.ask({ do: 'drain' }, 'eof')).toMatchObject({ bytes: 500_000, sha256: sent.sha256 });
  expect(await heard).toEqual({ count: 500_000, eof: 500_000 });
  expect(complaints).toEqual([]);
  await page.close();
});
