/** Daytime and time (RFC 867, 868) against servers whose every byte the test decides. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ProblemDto } from '../../src/modules/problems/problem.dto.js';
import type { DaytimeDto, TimeProtocolDto } from '../../src/modules/time/time-protocols.dto.js';
import { startApi, type Api } from '../support/api.js';
import { freeTcpPort, freeUdpPort } from '../support/free-port.js';

let api: Api;
const open: (Server | UdpSocket)[] = [];
beforeAll(async () => (api = await startApi()));
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => new Promise<void>((done) => each.close(() => done()))));
});
afterAll(() => api.close());

async function tcpServer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => serve(socket.on('error', () => undefined)));
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function udpServer(answer: Buffer | null): Promise<number> {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (question, from) => {
    if (answer !== null && question.length === 0) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket.address().port;
}

interface Asked {
  port: number;
  protocol?: string;
  timeoutMs?: number;
}

const ask = <T>(what: 'daytime' | 'time', asked: Asked) =>
  api.get<T>(`/v1/time/${what}`, { server: '127.0.0.1', ...asked });

const LINE = Buffer.from('Saturday, November 21, 2026 12:00:00-UTC\r\n');
/** 2036-02-07 06:28:16 is second 0 of the next era: a second later. */
const AFTER_2036 = Buffer.from([0, 0, 0, 1]);

it.each(['tcp', 'udp'])('daytime is a line, over %s', async (protocol) => {
  const port = protocol === 'tcp' ? await tcpServer((socket) => socket.end(LINE)) : await udpServer(LINE);
  const { status, body } = await ask<DaytimeDto>('daytime', { port, protocol });
  expect([status, body.text]).toEqual([200, 'Saturday, November 21, 2026 12:00:00-UTC']);
  expect([body.address, body.port, body.hex]).toEqual(['127.0.0.1', port, LINE.toString('hex')]);
  expect(Math.abs(Date.parse(body.receivedAt) - Date.now())).toBeLessThan(5000);
});

it.each(['tcp', 'udp'])('time is the seconds since 1900, of the next era too, over %s', async (protocol) => {
  const port =
    protocol === 'tcp' ? await tcpServer((socket) => socket.end(AFTER_2036)) : await udpServer(AFTER_2036);
  const { status, body } = await ask<TimeProtocolDto>('time', { port, protocol });
  expect([status, body.seconds, body.hex]).toEqual([200, 1, '00000001']);
  expect(Math.abs(Date.parse(body.serverTime) - Date.parse('2036-02-07T06:28:17Z'))).toBeLessThanOrEqual(1);
  expect(Math.abs(body.offsetMs - (Date.parse('2036-02-07T06:28:17Z') - Date.now()))).toBeLessThan(5000);
});

it.each(['daytime', 'time'])('%s takes the port beside the server, too', async (what) => {
  const port = await tcpServer((socket) => socket.end(AFTER_2036));
  const { status, body } = await api.get<DaytimeDto>(`/v1/time/${what}`, {
    server: `localhost:${port}`,
    port: 9,
  });
  expect([status, body.server, body.port]).toEqual([200, 'localhost', port]);
});

it('a server that does not close is not waited for once its answer is whole', async () => {
  const port = await tcpServer((socket) => socket.write(AFTER_2036));
  expect((await ask('time', { port })).status).toBe(200);
});

it('an answer of another length is no time', async () => {
  for (const [protocol, port] of [
    ['tcp', await tcpServer((socket) => socket.end('abc'))],
    ['udp', await udpServer(Buffer.from('abcde'))],
  ] as const) {
    const { status, body } = await ask<ProblemDto>('time', { port, protocol });
    expect([status, body.code]).toEqual([502, 'NOT_SYNCHRONIZED']);
  }
});

it('a server that never ends its line is cut short', async () => {
  const port = await tcpServer((socket) => socket.end(Buffer.alloc(100_000, 'x')));
  expect((await ask<DaytimeDto>('daytime', { port })).body.text).toBe('x'.repeat(4096));
});

it('silence is 504, a closed port 502, a reset 502', async () => {
  const timeoutMs = 50;
  for (const [protocol, port] of [
    ['tcp', await tcpServer(() => undefined)],
    ['udp', await udpServer(null)],
  ] as const) {
    const { status, body } = await ask<ProblemDto>('daytime', { port, protocol, timeoutMs });
    expect([status, body.code]).toEqual([504, 'ETIMEDOUT']);
  }
  for (const [protocol, port] of [
    ['tcp', await freeTcpPort()],
    ['udp', await freeUdpPort()],
  ] as const) {
    const { status, body } = await ask<ProblemDto>('daytime', { port, protocol });
    expect([status, body.code]).toEqual([502, 'ECONNREFUSED']);
  }
  const resetting = await tcpServer((socket) => socket.resetAndDestroy());
  const { status, body } = await ask<ProblemDto>('daytime', { port: resetting });
  expect([status, body.code]).toEqual([502, 'ECONNRESET']);
});
