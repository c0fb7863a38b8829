// netcat through a Sockeye service: the socket is on its host, stdin and stdout are here.
//
//   npx tsx examples/nc.ts 127.0.0.1 6379           connects; the end of stdin shuts the sending direction down
//   npx tsx examples/nc.ts -l 127.0.0.1 0           listens, for one connection, and says where
//   npx tsx examples/nc.ts -u 127.0.0.1 53          datagrams, one for each piece of stdin; with -l to who came last
//
//   --url http://127.0.0.1:3000   the service; its key in SOCKEYE_KEY
//   -w 3                          ends after 3 seconds without a byte received, once stdin has ended
//
// Ends with 0 when both directions have ended, with 1 and a line on stderr when something went wrong, with 2 and a line
// of usage when the arguments say nothing sensible.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import {
  connect,
  ProblemError,
  type Channel,
  type Connection,
  type Destination,
} from '../clients/typescript/src/index.js';

const USAGE = 'usage: nc.ts [-lu] [-w SECONDS] [--url URL] [HOST] PORT';

const DATAGRAM_BYTES = 16 * 1024;

/** No timer of Node waits longer. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** Nobody else knows the socket: what a broken WebSocket did not carry is sent when there is another. */
const OURS = { isOnlySender: true };

interface Settings {
  host: string;
  port: number;
  isUdp: boolean;
  listens: boolean;
  waitMs: number | null;
  url: string;
}

/** Null where only help is wanted. */
function settings(): Settings | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      udp: { type: 'boolean', short: 'u', default: false },
      listen: { type: 'boolean', short: 'l', default: false },
      wait: { type: 'string', short: 'w' },
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const [host, port] = positionals.length === 1 ? ['127.0.0.1', ...positionals] : positionals;
  if (host === undefined || !/^\d{1,5}$/.test(port ?? '')) throw new Error('give a host and a port');
  const waitMs = values.wait === undefined ? null : Number(values.wait || NaN) * 1000;
  if (waitMs !== null && !(waitMs >= 0 && waitMs <= MAX_WAIT_MS))
    throw new Error('-w takes a number of seconds');
  return { host, port: Number(port), isUdp: values.udp, listens: values.listen, waitMs, url: values.url };
}

async function open(service: Connection, { host, port, isUdp, listens }: Settings): Promise<Channel> {
  if (!listens) return service.dial({ protocol: isUdp ? 'udp' : 'tcp', host, port }, OURS);
  if (isUdp) {
    const channel = await service.bind({ protocol: 'udp', host, port });
    console.error('bound to', channel.socket.localAddress);
    return channel;
  }
  const listener = await service.listen({ host, port, limits: { acceptCount: 1 } }, OURS);
  console.error('listening on', listener.socket.localAddress);
  for await (const channel of listener) return channel;
  throw new Error('the listener was closed');
}

/** Who sent the last datagram to a socket that listens. */
let peer: Destination | undefined;

async function sendInput(channel: Channel, { isUdp }: Settings): Promise<void> {
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    if (!isUdp) await channel.send(chunk);
    for (let at = 0; isUdp && at < chunk.length; at += DATAGRAM_BYTES)
      await channel.send(chunk.subarray(at, at + DATAGRAM_BYTES), peer);
  }
  if (!isUdp) await channel.shutdown();
}

async function printOutput(channel: Channel, { listens }: Settings, heard: () => void): Promise<void> {
  for await (const item of channel.items()) {
    heard();
    if (item.kind === 'gap') console.error(`${String(item.to - item.from)} are gone`);
    if (item.kind === 'datagram' && listens && item.from !== null) peer = item.from;
    if (item.kind !== 'bytes' && item.kind !== 'datagram') continue;
    if (!process.stdout.write(item.bytes)) await once(process.stdout, 'drain');
  }
}

/** Resolves after so long without a call of `heard`, once `begin` was called. */
function silence(waitMs: number | null): { over: Promise<void>; heard: () => void; begin: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let end = (): void => {};
  const over = new Promise<void>((resolve) => (end = resolve));
  const begin = (): void => {
    if (waitMs !== null) timer ??= setTimeout(end, waitMs);
  };
  return { over, begin, heard: () => timer?.refresh() };
}

async function run(wanted: Settings): Promise<void> {
  const token = process.env.SOCKEYE_KEY;
  const service = await connect(wanted.url, { WebSocket, ...(token === undefined ? {} : { token }) });
  const channel = await open(service, wanted);
  process.once('SIGINT', () => void channel.close().finally(() => process.exit(130)));
  const quiet = silence(wanted.waitMs);
  const input = sendInput(channel, wanted).then(quiet.begin);
  const output = printOutput(channel, wanted, quiet.heard);
  const both = Promise.all([input, output]);
  await Promise.race([both, quiet.over, channel.ended.then(() => output)]);
  await channel.close();
  service.close();
  // The end of the process would cut off what a slow reader has not taken.
  await new Promise((resolve) => process.stdout.write('', resolve));
}

function wantedSettings(): Settings {
  try {
    const wanted = settings();
    if (wanted !== null) return wanted;
  } catch (error) {
    console.error(`nc: ${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
  console.log(USAGE);
  process.exit(0);
}

run(wantedSettings()).then(
  () => process.exit(0),
  (error: unknown) => {
    const { code = '' } = error instanceof ProblemError ? error.problem : {};
    console.error(`nc: ${(error as Error).message}${code === '' ? '' : ` (${code})`}`);
    process.exit(1);
  },
);
