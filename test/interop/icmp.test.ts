import { itWith, startProgram, stopPrograms } from '../support/peers.js';
import { type Problem, type Service, type SocketView, startService } from '../support/service.js';

const SERVICE = ['node', 'dist/main.js'];
const check = itWith('setpriv');
let service: Service;

beforeAll(async () => {
  service = await startService();
});

afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await stopPrograms();
});

interface Reply {
  data: string;
  icmpSequence: number;
  ttl: number;
  rttMs: number;
  from: object;
}

async function receive(id: string): Promise<Reply[]> {
  const asked = { waitMs: 10_000 };
  return (await service.post<{ datagrams: Reply[] }>(`/v1/sockets/${id}/receive`, asked)).body.datagrams;
}

const mayPing = process.getuid?.() === 0;
const pinging = mayPing ? it : it.skip;

pinging.each(['127.0.0.1', '::1'])(
  '%s answers echo requests, with their payload and the time it took',
  async (host) => {
    const { status, body: client } = await service.post<SocketView>('/v1/clients', {
      protocol: 'icmp',
      host,
    });
    expect(status).toBe(201);
    expect(client).toMatchObject({
      kind: 'client',
      state: 'open',
      remoteAddress: { address: host, port: 0 },
    });
    const sent: string[] = ['anybody there?', 'odd', ''];
    for (const data of sent) {
      const answer = await service.post(`/v1/sockets/${client.id}/data`, { data });
      expect(answer).toMatchObject({ status: 200, body: { bytesSent: data.length } });
    }
    const replies: Reply[] = [];
    while (replies.length < sent.length) replies.push(...(await receive(client.id)));
    expect(replies.map(({ data }) => data)).toEqual(sent);
    expect(replies.map(({ icmpSequence }) => icmpSequence)).toEqual([1, 2, 3]);
    for (const { rttMs, ttl, from } of replies) {
      expect(from).toEqual({ address: host, port: 0 });
      expect(ttl).toBe(64);
      expect(rttMs).toBeGreaterThan(0);
      expect(rttMs).toBeLessThan(10_000);
    }
  },
);

pinging('a datagram elsewhere, a port, or a listener make no sense', async () => {
  const { body } = await service.post<SocketView>('/v1/clients', { protocol: 'icmp', host: '127.0.0.1' });
  const to = { address: '127.0.0.1', port: 7 };
  expect(await service.post(`/v1/sockets/${body.id}/data`, { data: 'x', to })).toMatchObject({
    status: 409,
    body: { code: 'EISCONN' },
  });
  const port = await service.post('/v1/clients', { protocol: 'icmp', host: '127.0.0.1', port: 7 });
  expect(port.status).toBe(400);
  const listener = await service.post<Problem>('/v1/listeners', { protocol: 'icmp' });
  expect(listener).toMatchObject({ status: 422, body: { code: 'EPROTONOSUPPORT' } });
});

check('without the capability the kernel says EPERM', async () => {
  const args = ['--bounding-set', '-net_raw', '--inh-caps', '-net_raw', ...SERVICE];
  const env = { ...process.env, SOCKEYE_PORT: '0' };
  const program = startProgram('setpriv', args, env);
  const url = await program.output(
    'its address',
    () => {
      const match = /Sockeye listens on (\S+)/.exec(program.stdout.toString());
      return match === null ? null : match[1]!;
    },
    20_000,
  );
  const answer = await fetch(`${url}/v1/clients`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ protocol: 'icmp', host: '127.0.0.1' }),
  });
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'EPERM', errno: 1, syscall: 'socket' });
  program.signal('SIGTERM');
  expect((await program.exit()).code).toBe(0);
});
