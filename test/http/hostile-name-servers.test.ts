/** Name servers that mean harm, or nothing by it: what they send must not stop or hold up the service. */
import { randomInt } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import type { RecordsDto, ServerAnswerDto } from '../../src/modules/dns/answer.dto.js';
import { startApi, type Api } from '../support/api.js';
import { answerTo, DnsServer, withRcode, type Asked } from '../support/dns-server.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

let server: DnsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

type Query = Record<string, string | number | boolean | string[]>;
const PATH = '/v1/dns/records';
const ask = (query: Query): Promise<{ status: number; body: RecordsDto }> =>
  api.get<RecordsDto>(PATH, { name: 'x.test', server: server!.at, timeoutMs: 5000, ...query });

async function oneAnswer(query: Query): Promise<ServerAnswerDto> {
  const { status, body } = await ask(query);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body.answers[0]!;
}

const rich = (asked: Asked): Buffer =>
  answerTo(asked, {
    answers: [
      { type: 'CNAME', name: 'x.test', ttl: 1, data: 'y.test' },
      { type: 'A', name: 'y.test', ttl: 1, data: '192.0.2.1' },
      { type: 'TXT', name: 'y.test', ttl: 1, data: ['one', 'two'] },
      { type: 'SRV', name: 'y.test', ttl: 1, data: { port: 1, target: 'z.y.test', priority: 1, weight: 1 } },
      { type: 'CAA', name: 'y.test', ttl: 1, data: { flags: 0, tag: 'issue', value: 'ca.test' } },
    ],
    authorities: [
      {
        type: 'SOA',
        name: 'test',
        data: { mname: 'a.test', rname: 'b.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
      },
    ],
    additionals: asked.query.additionals!,
  });

/** Some of its bytes are others, and sometimes its end is missing. The id stays: else nobody would look at it. */
function mutated(message: Buffer): Buffer {
  const changed = Buffer.from(message);
  for (let left = randomInt(1, 9); left > 0; left -= 1)
    changed[randomInt(2, changed.length)] = randomInt(0, 256);
  return randomInt(4) === 0 ? changed.subarray(0, randomInt(changed.length)) : changed;
}

it('4,000 mutated answers, over UDP and TCP: each question has its answer', async () => {
  let sent = 0;
  server = await DnsServer.start((asked) => {
    const answer = rich(asked);
    // Fewer than it takes to be given up.
    for (let i = 0; i < 15; i += 1, sent += 1) asked.reply(mutated(answer));
    asked.reply(answer);
  });
  const wrong: unknown[] = [];
  const some = async (transport: string): Promise<void> => {
    const query = new URLSearchParams({ name: 'x.test', server: server!.at, transport, attempts: '1' });
    for (let i = 0; i < 34; i += 1) {
      const answer = await fetch(`${api.application.url}${PATH}?${query.toString()}&timeoutMs=30000`);
      const text = await answer.text();
      if (answer.status !== 200) wrong.push(text);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => some(i % 2 === 0 ? 'udp' : 'tcp')));
  expect(wrong).toEqual([]);
  expect(sent).toBeGreaterThanOrEqual(4000);
}, 120_000);

/** 64 KiB of which each record points at one long name: written out it would be megabytes. */
function exploding(asked: Asked): Buffer {
  const label = (length: number): Buffer => Buffer.concat([Buffer.of(length), Buffer.alloc(length, 1)]);
  const name = Buffer.concat([label(63), label(63), label(63), label(61), Buffer.of(0)]);
  const question = asked.bytes.subarray(12, asked.bytes.indexOf(Buffer.from([0, 0, 1, 0, 1])) + 5);
  const at = 12 + question.length;
  const pointer = Buffer.of(0xc0 | (at >> 8), at & 255);
  const ns = Buffer.concat([Buffer.from([0, 2, 0, 1, 0, 0, 0, 0, 0, 2]), pointer]);
  const count = Math.floor((65_535 - at - name.length - ns.length) / (2 + ns.length));
  const header = Buffer.alloc(12);
  header.writeUInt16BE(asked.id);
  header.writeUInt16BE(0x8000, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(1 + count, 6);
  const others = Array<Buffer>(count).fill(Buffer.concat([pointer, ns]));
  return Buffer.concat([header, question, name, ns, ...others]);
}

it('64 KiB that would be megabytes of names are malformed', async () => {
  server = await DnsServer.start((asked) => {
    asked.reply(exploding(asked));
    asked.reply(answerTo(asked));
  });
  const { records } = await oneAnswer({ transport: 'tcp' });
  expect(records).toMatchObject([{ text: '192.0.2.1' }]);
});

it.each(['udp', 'tcp'])(
  'who sends one wrong message after the other over %s is not listened to',
  async (transport) => {
    server = await DnsServer.start((asked) => {
      for (let i = 0; i < 20; i += 1) asked.reply(exploding({ ...asked }).subarray(0, 1000));
    });
    const asked = { name: 'x.test', server: server.at, transport, timeoutMs: 60_000 };
    const problem = await api.refused(api.get(PATH, asked), 502, 'bad-answer');
    expect(problem).toMatchObject({ code: 'EBADMSG', detail: expect.stringContaining('16 malformed') });
  },
);

describe('a caller that goes away', () => {
  /** Asks for a minute, and leaves when `arrived` says so; the place among the sockets is free again. */
  async function leave(query: Record<string, string>, arrived: Promise<unknown>, at = api): Promise<void> {
    const leaving = new AbortController();
    const parameters = new URLSearchParams({
      name: 'x.test',
      timeoutMs: '60000',
      ...query,
    });
    const answer = fetch(`${at.application.url}${PATH}?${parameters.toString()}`, { signal: leaving.signal });
    await arrived;
    leaving.abort();
    await expect(answer).rejects.toThrow('aborted');
  }

  it('ends a question over UDP, whose place is free for others', async () => {
    const small = await startApi({ SOCKEYE_MAX_SOCKETS: '1' });
    const arrived = new Promise<void>((resolve) => {
      void DnsServer.start((asked) => {
        if (asked.query.questions![0]!.name === 'x.test') return resolve();
        asked.reply(answerTo(asked));
      }).then((started) => {
        server = started;
        void leave({ server: started.at, attempts: '1' }, arrived, small);
      });
    });
    await arrived;
    const others = { name: 'y.test', server: server!.at };
    for (let status = 503; status !== 200;) ({ status } = await small.get(PATH, others));
    await small.close();
  });

  it.each(['tcp', 'tls', 'https'])(
    'closes the connection over %s, also in the middle of a handshake',
    async (transport) => {
      const connected = new Promise<Socket>((resolve) => {
        const silent = createServer((socket) => {
          silent.close();
          socket.once('data', () => resolve(socket));
        }).listen(0, '127.0.0.1', () => {
          const { port } = silent.address() as { port: number };
          void leave({ server: `127.0.0.1:${port}`, transport }, connected);
        });
      });
      const socket = await connected;
      await new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    },
  );
});

describe('what a server says and does not do', () => {
  it('truncated over TCP, too: it is shown as it is', async () => {
    server = await DnsServer.start((asked) => asked.reply(answerTo(asked, { flags: 0x200 })));
    expect(await oneAnswer({})).toMatchObject({ transport: 'tcp', flags: { truncated: true } });
    expect(server.asked.map(({ over }) => over)).toEqual(['udp', 'tcp']);
  });

  it('truncated over UDP, and no TCP: the error is that of TCP', async () => {
    server = await DnsServer.start((asked) => asked.reply(answerTo(asked, { flags: 0x200 })));
    await server.stopTcp();
    const { body } = await ask({ server: [server.at, '127.0.0.1:9'] });
    expect(body.answers[0]).toMatchObject({
      transport: 'tcp',
      rcode: null,
      error: { code: 'ECONNREFUSED', message: `connect ECONNREFUSED ${server.at}` },
    });
    expect(body.answers[1]).toMatchObject({ transport: 'udp', error: { code: 'ECONNREFUSED' } });
  });

  it('an EDNS version that it does not know is an rcode, BADVERS', async () => {
    server = await DnsServer.start((asked) => {
      const opt = { type: 'OPT' as const, name: '.', udpPayloadSize: 512, extendedRcode: 1, ednsVersion: 0 };
      const additionals = [{ ...opt, flags: 0, flag_do: false, options: [] }];
      asked.reply(withRcode(answerTo(asked, { answers: [], additionals }), 0));
    });
    expect(await oneAnswer({})).toMatchObject({ rcode: 'BADVERS', edns: { version: 0 } });
    expect(server.asked).toHaveLength(1);
  });

  it('a TXT record as long as it can be', async () => {
    const data = Array.from({ length: 250 }, (_, i) => Buffer.alloc(255, i));
    const answers = [{ type: 'TXT' as const, name: 'x.test', ttl: 1, data }];
    server = await DnsServer.start((asked) => asked.reply(answerTo(asked, { answers })));
    const [record] = (await oneAnswer({ transport: 'tcp', type: 'TXT' })).records;
    expect(record!.data.strings).toHaveLength(250);
    expect(record!.text).toHaveLength(250 * 258 - 1 + 255 * (3 * (250 - 95) + 2));
  });
});
