import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Contender, type ContenderKind } from '../figure.js';
import { type DatagramSinkCalls } from '../load/datagram-sink.js';
import { HttpConnection } from '../load/http.js';
import { type LoadProcess } from '../load/rpc.js';
import { WatchedProgram } from './program.js';
import { startSockeye } from './sockeye.js';

/* Who receives datagrams: Sockeye, with a client at its WebSocket, and a program that only counts them. */

const DEADLINE_MS = 30_000;

/** A UDP port, and the account of what came to it. */
export interface Counting {
  port: number;
  /** Waits until so many have been received or lost. */
  account(datagrams: number): Promise<{ lost: number; sha256: string | null; sinkCpuSeconds: number }>;
  release(): Promise<void>;
}

export interface DatagramCounter extends Contender {
  readonly program: WatchedProgram;
  open(check: boolean): Promise<Counting>;
}

/** `POST /v1/listeners`, and one consuming channel of `/v1/stream`. */
export function sockeyeDatagrams(sink: LoadProcess<DatagramSinkCalls>): ContenderKind<DatagramCounter> {
  const name = 'Sockeye /v1/stream';
  return {
    name,
    async start() {
      const { program, port, stop } = await startSockeye(name);
      const open = async (check: boolean): Promise<Counting> => {
        const asked = { protocol: 'udp', host: '127.0.0.1', port: 0 };
        const { id, localAddress } = (await ask(port, 'POST', '/v1/listeners', asked)) as Bound;
        const door = {
          port,
          path: '/v1/stream',
          subprotocol: 'sockeye.v1',
          socketIds: [id],
          carriesDatagrams: true,
        };
        await sink.call('open', { door, check });
        return {
          port: localAddress.port,
          async account(datagrams) {
            const { lost, sha256, lap } = await sink.call('count', datagrams, DEADLINE_MS);
            return { lost, sha256, sinkCpuSeconds: lap.cpuSeconds };
          },
          async release() {
            await sink.call('close', undefined);
            await ask(port, 'DELETE', `/v1/sockets/${id}`);
          },
        };
      };
      return { name, program, open, stop };
    },
  };
}

interface Bound {
  id: string;
  localAddress: { port: number };
}

/** On a connection of its own: a run takes longer than the service keeps an idle one. */
async function ask(port: number, method: string, path: string, body?: object): Promise<unknown> {
  const connection = await HttpConnection.open(port);
  const answer = await connection.request(method, path, body);
  connection.close();
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
  return answer.body.length > 0 ? JSON.parse(answer.body.toString()) : null;
}

const COUNT_DATAGRAMS = fileURLToPath(new URL('../baselines/count-datagrams.js', import.meta.url));

export const countingOnly: ContenderKind<DatagramCounter> = {
  name: 'node counting only',
  async start() {
    const program = new WatchedProgram(this.name, [COUNT_DATAGRAMS]);
    const port = await program.port(/127\.0\.0\.1:(\d+)/);
    const open = async (): Promise<Counting> => {
      const before = queueOf(port).drops;
      return {
        port,
        async account() {
          while (queueOf(port).bytes > 0) await pause(5);
          return { lost: queueOf(port).drops - before, sha256: null, sinkCpuSeconds: 0 };
        },
        release: async () => {},
      };
    };
    return { name: this.name, program, open, stop: () => program.stop() };
  },
};

/** Of the socket that is bound to a port, in the kernel's own table: what waits in its queue, what did not fit. */
function queueOf(port: number): { bytes: number; drops: number } {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/udp', 'latin1').split('\n');
  const row = rows.map((line) => line.trim().split(/\s+/)).find(([, local]) => local?.endsWith(`:${hex}`));
  if (!row) throw new Error(`nobody is bound to UDP port ${port}`);
  return { bytes: parseInt(row[4]?.split(':')[1] ?? '', 16), drops: Number(row.at(-1)) };
}
