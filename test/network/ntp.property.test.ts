import fc from 'fast-check';
import { decodePacket, encodeQuestion, type NtpPacket } from '../../src/network/ntp/packet.js';
import { sampleOf } from '../../src/network/ntp/sample.js';
import { nsBetween, timestampOf, wallNsOf } from '../../src/network/ntp/timestamp.js';
import { judge } from '../../src/network/ntp/verdict.js';

const MS = 1_000_000n;
const YEAR = 31_557_600n * 1000n * MS;
/** The last second of era 0 is 2036-02-07T06:28:15Z. */
const ERA_END = BigInt(Date.parse('2036-02-07T06:28:16Z')) * MS;

const moment = fc.oneof(
  fc.bigInt({ min: 0n, max: 180n * YEAR }),
  fc.bigInt({ min: ERA_END - 5000n * MS, max: ERA_END + 5000n * MS }),
);
const way = fc.bigInt({ min: 0n, max: 2000n * MS });

const packetOf = (changes: Partial<NtpPacket>): NtpPacket => ({
  ...decodePacket(Buffer.alloc(48))!,
  mode: 4,
  version: 4,
  stratum: 1,
  ...changes,
});

test('offset and delay are those of the two clocks and ways, over the end of an era too', () => {
  const ahead = fc.bigInt({ min: -60n * YEAR, max: 60n * YEAR });
  fc.assert(
    fc.property(moment, ahead, way, way, way, (sentNs, aheadNs, there, took, back) => {
      const receivedNs = sentNs + there + took + back;
      const receive = timestampOf(sentNs + there + aheadNs);
      const transmit = timestampOf(sentNs + there + took + aheadNs);
      const sample = sampleOf(packetOf({ receive, transmit }), { sentNs, receivedNs }, timestampOf(sentNs));
      // Doubles hold decades of milliseconds to a tenth of a microsecond.
      expect(Math.abs(sample.offsetMs - Number(aheadNs + (there - back) / 2n) / 1e6)).toBeLessThan(1e-3);
      expect(sample.delayMs).toBeCloseTo(Math.max(Number(there + back) / 1e6, 0.001), 4);
      expect(abs(sample.serverSentNs - (sentNs + there + took + aheadNs))).toBeLessThan(10n);
    }),
  );
});

test('a timestamp comes back as the moment nearest to the one beside it', () => {
  const away = fc.bigInt({ min: -67n * YEAR, max: 67n * YEAR });
  fc.assert(
    fc.property(moment, away, (wallNs, ns) => {
      const near = { wallNs, timestamp: timestampOf(wallNs) };
      fc.pre(timestampOf(wallNs + ns) !== 0n);
      expect(abs(wallNsOf(timestampOf(wallNs + ns), near)! - wallNs - ns)).toBeLessThan(2n);
      expect(abs(nsBetween(timestampOf(wallNs), timestampOf(wallNs + ns)) - ns)).toBeLessThan(2n);
    }),
  );
  expect(wallNsOf(0n, { wallNs: 0n, timestamp: 0n })).toBeNull();
});

test('any bytes are a packet or too short for one, and never an answer to a question that is not in them', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
      (bytes, question) => {
        const packet = decodePacket(Buffer.from(bytes));
        expect(packet === null).toBe(bytes.length < 48);
        if (packet?.origin !== question) expect(judge(packet, question)).toEqual({ kind: 'ignore' });
      },
    ),
  );
});

test('a question is a client packet of its version that says nothing but its number', () => {
  for (const version of [1, 2, 3, 4]) {
    const question = encodeQuestion(version, 0x0123456789abcdefn);
    expect(question.toString('hex')).toBe(
      `${(version * 8 + 3).toString(16).padStart(2, '0')}${'00'.repeat(39)}0123456789abcdef`,
    );
    // A copy of the question is no answer to it.
    expect(judge(decodePacket(question), 0x0123456789abcdefn)).toEqual({ kind: 'ignore' });
  }
});

test('the fields of a packet that chrony has sent', () => {
  const hex =
    '240a06e70000000000000001' +
    '7f7f0101' +
    'eeac2a1f00000000' +
    '0123456789abcdef' +
    'eeac2a2080000000' +
    'eeac2a2080010000';
  expect(decodePacket(Buffer.from(hex, 'hex'))).toEqual({
    leap: 'none',
    version: 4,
    mode: 4,
    stratum: 10,
    pollSeconds: 64,
    precisionMs: 2 ** -25 * 1000,
    rootDelayMs: 0,
    rootDispersionMs: 1000 / 65_536,
    referenceId: Buffer.from([127, 127, 1, 1]),
    reference: 0xeeac2a1f00000000n,
    origin: 0x0123456789abcdefn,
    receive: 0xeeac2a2080000000n,
    transmit: 0xeeac2a2080010000n,
  });
});

function abs(ns: bigint): bigint {
  return ns < 0n ? -ns : ns;
}
