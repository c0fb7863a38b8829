import packet from 'dns-packet';
import fc from 'fast-check';
import { decodeMessage, encodeQuery, readMessage, type QueryOptions } from '../../src/network/dns/message.js';

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0x7fffffff);
const string = fc.string({ maxLength: 200, unit: 'grapheme-ascii' });
const base = { name, ttl: u32 };

/** Records that dns-packet can write, and what is to be read. */
const record = fc.oneof(
  fc.record({ ...base, type: fc.constant('A' as const), data: fc.ipV4() }),
  fc.record({ ...base, type: fc.constant('NS' as const), data: name }),
  fc.record({ ...base, type: fc.constant('CNAME' as const), data: name }),
  fc.record({
    ...base,
    type: fc.constant('MX' as const),
    data: fc.record({ preference: u16, exchange: name }),
  }),
  fc.record({
    ...base,
    type: fc.constant('TXT' as const),
    data: fc.array(string, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    ...base,
    type: fc.constant('SRV' as const),
    data: fc.record({ priority: u16, weight: u16, port: fc.integer({ min: 1, max: 0xffff }), target: name }),
  }),
);

/** The same in our words. */
function expected({ type, data }: { type: string; data: unknown }): unknown {
  if (type === 'A') return { address: data };
  if (type === 'NS') return { nsdname: data };
  if (type === 'CNAME') return { cname: data };
  // It has made bytes of the texts.
  return type === 'TXT' ? { strings: (data as Buffer[]).map(String) } : data;
}

const message = fc
  .record({ id: u16, question: name, answers: fc.array(record, { maxLength: 20 }) })
  .map(({ id, question, answers }) => ({
    answers,
    bytes: packet.encode({ type: 'response', id, questions: [{ type: 'A', name: question }], answers }),
  }));

it('reads what another encoder has written', () => {
  fc.assert(
    fc.property(message, ({ bytes, answers }) => {
      const { records } = decodeMessage(bytes);
      expect(records.map(({ name: owner, type, ttl, data }) => ({ name: owner, type, ttl, data }))).toEqual(
        answers.map((one) => ({ name: one.name, type: one.type, ttl: one.ttl, data: expected(one) })),
      );
    }),
  );
});

it('writes questions that another decoder reads', () => {
  const query = fc.record({ name, type: fc.constant(1) });
  const flags = { recursionDesired: true, checkingDisabled: false, dnssec: true };
  fc.assert(
    fc.property(u16, query, (id, asked) => {
      const read = packet.decode(encodeQuery(id, { ...asked, ...flags } satisfies QueryOptions, true));
      expect(read).toMatchObject({
        id,
        type: 'query',
        flag_rd: true,
        questions: [{ name: asked.name, type: 'A' }],
      });
    }),
  );
});

/** Whatever is in it, it is read or it is malformed, soon. */
function isReadOrNot(bytes: Buffer): void {
  const startedAt = performance.now();
  readMessage(bytes);
  expect(performance.now() - startedAt).toBeLessThan(1000);
}

it('any bytes are a message, or are not: 4,000 mutated answers, and noise', () => {
  const mutations = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(message, mutations, fc.nat(), ({ bytes }, changes, cut) => {
      const changed = Buffer.from(bytes);
      for (const [at, value] of changes) changed[at % changed.length] = value;
      isReadOrNot(changed);
      isReadOrNot(changed.subarray(0, cut % changed.length));
    }),
    { numRuns: 4000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => isReadOrNot(Buffer.from(bytes))));
});

/** A header that announces as many answers, and the bytes behind it. */
function response(answers: number, ...parts: Buffer[]): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x8000, 2);
  header.writeUInt16BE(answers, 6);
  return Buffer.concat([header, ...parts]);
}

const pointer = (to: number): Buffer => Buffer.of(0xc0 | (to >> 8), to & 0xff);

it.each([
  ['to itself', response(1, pointer(12))],
  ['forward', response(1, pointer(14), Buffer.alloc(20))],
  ['to each other', response(1, pointer(14), pointer(12))],
  ['behind the end', response(1, pointer(0x3fff))],
  ['half', response(1, Buffer.of(0xc0))],
])('a pointer %s is malformed', (_, bytes) => {
  expect(readMessage(bytes)).toBeNull();
});

it('a message of 64 KiB full of chains of pointers, each as long as can be, takes no time', () => {
  const chain = Buffer.concat([
    Buffer.from([1, 0x61, 0]),
    ...Array.from({ length: 126 }, (_, i) => pointer(12 + (i === 0 ? 0 : i * 2 + 1))),
  ]);
  const end = 12 + chain.length - 2;
  const owner = Buffer.concat([pointer(end), Buffer.from([0, 2, 0, 1, 0, 0, 0, 0, 0, 2]), pointer(end)]);
  const count = Math.floor((65_535 - 12 - chain.length) / owner.length);
  isReadOrNot(response(count, chain, ...Array<Buffer>(count).fill(owner)));
  isReadOrNot(response(count, ...Array<Buffer>(count).fill(owner)));
});
