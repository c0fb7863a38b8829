import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';
import { freeTcpPort } from '../support/free-port.js';
import { itWith, type Program, startProgram, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

const programs = ['redis-server', 'redis-cli'];
const check = itWith(...programs);
const directory = mkdtempSync(join(tmpdir(), 'sockeye-redis-'));
function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function startRedis(): Promise<number> {
  const port = await freeTcpPort();
  const place = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', directory];
  const redis = startProgram('redis-server', [...place, '--save', '', '--appendonly', 'no']);
  await redis.output('readiness', () => (redis.stdout.includes('Ready to accept connections') ? true : null));
  return port;
}

/** A local TCP port whose connections become pipes: what a client library over WebSocket would be. */
function makeShim(service: Service, redisPort: number): Server {
  return createServer((socket) => {
    const url = `${service.url.replace('http', 'ws')}/v1/pipe?host=127.0.0.1&port=${redisPort}`;
    const ws = createWebSocketStream(new WebSocket(url, ['binary']));
    pipeline(socket, ws, socket, () => undefined);
  });
}

let started: Promise<{ shim: Server; port: number }> | undefined;

async function start(): Promise<{ shim: Server; port: number }> {
  const shim = makeShim(await startService(), await startRedis());
  return { shim, port: await listening(shim) };
}

afterAll(async () => {
  (await started)?.shim.close();
  await stopPrograms();
  rmSync(directory, { recursive: true, force: true });
});

// Started by the first test that needs it: where the programs are missing, there is none.
async function cli(...args: string[]): Promise<Program> {
  started ??= start();
  return startProgram('redis-cli', ['-h', '127.0.0.1', '-p', `${(await started).port}`, ...args]);
}

async function answer(program: Program): Promise<string> {
  expect((await program.exit()).code).toBe(0);
  return program.stdout.toString();
}

check('redis-cli talks to redis through a pipe', async () => {
  expect(await answer(await cli('PING'))).toBe('PONG\n');
  expect(await answer(await cli('SET', 'colour', 'red'))).toBe('OK\n');
  expect(await answer(await cli('GET', 'colour'))).toBe('red\n');
});

check('a value of 1 MB goes through a pipe and comes back the same', async () => {
  const value = randomBytes(1_000_000).toString('base64').slice(0, 1_000_000);
  // -x: the last argument is read from the input.
  const set = await cli('-x', 'SET', 'large');
  set.write(value);
  set.endInput();
  expect(await answer(set)).toBe('OK\n');
  expect(await answer(await cli('GET', 'large'))).toBe(`${value}\n`);
  expect(await answer(await cli('STRLEN', 'large'))).toBe('1000000\n');
});

check('a thousand commands in one connection are answered in order', async () => {
  const many = await cli();
  many.write(Array.from({ length: 1000 }, () => 'INCR counter\n').join(''));
  many.endInput();
  const counted = (await answer(many)).trim().split('\n');
  expect(counted.map(Number)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
});
