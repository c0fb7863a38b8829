import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { HttpConnection, type Answer } from './http.js';
import { serve } from './rpc.js';
import { stopwatch, type Lap } from './stopwatch.js';

/* Calls an HTTP API as fast as it answers, over some connections, one request at a time on each. */

/** How a service makes a listener: what to POST, and which field of the answer stands in the path of the new one. */
export interface ListenerApi {
  path: string;
  body: object;
  key: string;
}

export interface Call {
  method: string;
  path: string;
  body?: object;
  accept?: string;
  times: number;
}

export type CallerCalls = {
  open(order: { port: number; connections: number }): Promise<void>;
  /** Makes one listener, connects to it, closes it, and sees that nobody is there any more. */
  verify(api: ListenerApi): Promise<void>;
  /** Creates and closes so many listeners, one after the other on each connection. */
  cycle(order: { api: ListenerApi; cycles: number }): Promise<Lap>;
  /** Creates so many, which stay; `inspect` and `remove` go over them. */
  create(order: { api: ListenerApi; count: number }): Promise<Lap>;
  inspect(): Promise<Lap>;
  remove(): Promise<Lap>;
  repeat(call: Call): Promise<Lap & { bytes: number; sha256: string }>;
  close(): Promise<void>;
};

let connections: HttpConnection[] = [];
let keys: string[] = [];

/** Every connection takes the next piece of work when it has done one. */
async function spread(
  count: number,
  work: (connection: HttpConnection, index: number) => Promise<void>,
): Promise<Lap> {
  const lap = stopwatch();
  let next = 0;
  const worker = async (connection: HttpConnection): Promise<void> => {
    while (next < count) await work(connection, next++);
  };
  await Promise.all(connections.map(worker));
  return lap();
}

async function ask(connection: HttpConnection, call: Omit<Call, 'times'>): Promise<Answer> {
  const answer = await connection.request(call.method, call.path, call.body, call.accept);
  if (answer.status >= 300)
    throw new Error(
      `${call.method} ${call.path} answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`,
    );
  return answer;
}

async function make(connection: HttpConnection, { path, body, key }: ListenerApi): Promise<[string, number]> {
  const { body: made } = await ask(connection, { method: 'POST', path, body });
  const listener = JSON.parse(made.toString()) as Record<string, unknown>;
  const local = listener.localAddress as { port: number } | undefined;
  return [`${path}/${String(listener[key])}`, local?.port ?? Number(listener.port)];
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.destroy());
    socket.on('error', () => resolve(false));
    socket.on('close', (failed) => resolve(!failed));
  });
}

function first(): HttpConnection {
  const [connection] = connections;
  if (!connection) throw new Error('no connection is open');
  return connection;
}

serve<CallerCalls>({
  async open({ port, connections: count }) {
    connections = await Promise.all(Array.from({ length: count }, () => HttpConnection.open(port)));
    keys = [];
  },
  async verify(api) {
    const [made, port] = await make(first(), api);
    if (!(await isListening(port))) throw new Error(`nobody listens on ${port}`);
    await ask(first(), { method: 'DELETE', path: made });
    if (await isListening(port)) throw new Error(`${port} is still listened on`);
  },
  cycle: ({ api, cycles }) =>
    spread(cycles, async (connection) => {
      const [path] = await make(connection, api);
      await ask(connection, { method: 'DELETE', path });
    }),
  create: ({ api, count }) =>
    spread(count, async (connection) => {
      const [path] = await make(connection, api);
      keys.push(path);
    }),
  inspect: () =>
    spread(keys.length, async (connection, index) => {
      await ask(connection, { method: 'GET', path: keys[index] ?? '' });
    }),
  async remove() {
    const lap = await spread(keys.length, async (connection, index) => {
      await ask(connection, { method: 'DELETE', path: keys[index] ?? '' });
    });
    keys = [];
    return lap;
  },
  async repeat({ times, ...call }) {
    const hash = createHash('sha256');
    let bytes = 0;
    const lap = await spread(times, async (connection) => {
      const { body } = await ask(connection, call);
      bytes += body.length;
      if (times === 1) hash.update(body);
    });
    return { ...lap, bytes, sha256: hash.digest('hex') };
  },
  async close() {
    for (const connection of connections) connection.close();
    connections = [];
  },
});
