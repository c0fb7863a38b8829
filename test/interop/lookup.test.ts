/** What the resolver of this host answers, as python asks it. */
import fc from 'fast-check';
import {
  lookup,
  LOOKUP_FLAGS,
  NAME_INFO_FLAGS,
  parseAddress,
  reverse,
  type LookupFlag,
  type NameInfoFlag,
} from '../../src/network/index.js';
import { askPython } from '../support/oracle.js';
import { itWith } from '../support/peers.js';

const withPython = itWith('python3');

/** Names of /etc/hosts and addresses: what needs no network. */
const hosts = fc.oneof(
  fc.constantFrom(null, 'localhost', 'LOCALHOST', 'localhost.', 'ip6-localhost', 'no-such-name.invalid'),
  fc.constantFrom('127.1', '0x7f000001', '2130706433', '256.1.1.1', '1.2.3.4.5', '::1', '::ffff:1.2.3.4'),
  fc.constantFrom('fe80::1%lo', 'fe80::1%1', 'fe80::1', 'fe80::1%nope', 'ff02::1', '::'),
  fc.ipV4(),
  fc.ipV6(),
);
const services = fc.oneof(
  fc.constantFrom(null, 'http', 'domain', 'no-such-service', '0', '65535', '65536', '70000', '-1'),
  fc.integer({ min: 0, max: 65_535 }).map(String),
);
const numberOf = (names: readonly string[], table: Record<string, number>): number =>
  names.reduce((all, name) => all | table[name]!, 0);

const FAMILY = { any: 0, ipv4: 2, ipv6: 10 } as const;
const TYPE = { any: 0, stream: 1, datagram: 2, raw: 3, rdm: 4, seqpacket: 5, dccp: 6 } as const;
const PROTOCOL = { ip: 0, tcp: 6, udp: 17, dccp: 33, sctp: 132, udplite: 136, icmp: 1 } as const;
const keys = <T extends object>(table: T) => fc.constantFrom(...(Object.keys(table) as (keyof T)[]));

/** What is neither a number nor in every /etc/hosts would be asked of name servers elsewhere. */
const ASKED_AS_NUMBERS = ['localhost.', 'ip6-localhost', 'no-such-name.invalid', '256.1.1.1', '1.2.3.4.5'];

const questions = fc
  .record({
    host: hosts,
    service: services,
    family: keys(FAMILY),
    type: fc.oneof(fc.constant('any' as const), keys(TYPE)),
    protocol: fc.oneof(fc.constant('ip' as const), keys(PROTOCOL)),
    flags: fc.subarray(Object.keys(LOOKUP_FLAGS) as LookupFlag[], { maxLength: 3 }),
  })
  .map((question) =>
    ASKED_AS_NUMBERS.includes(question.host ?? '') ||
    (question.host?.toLowerCase() === 'localhost' && question.family === 'ipv6')
      ? { ...question, flags: [...new Set<LookupFlag>([...question.flags, 'AI_NUMERICHOST'])] }
      : question,
  );

/** [family, type, protocol, canonname, sockaddr] */
type Tuple = [number, number, number, string, [string, number, number?, number?]];

const COUNT = 3_000;
/** As many as may run and wait at once. One by one, each waits for a thread to be scheduled, and again for its answer. */
const AT_ONCE = 256;

withPython(
  `getaddrinfo: ${COUNT} random questions have the answers that python gets, in their order`,
  async () => {
    // Nothing to ask for is refused before the C library is asked; python says EAI_NONAME.
    const asked = fc
      .sample(questions, COUNT)
      .filter(({ host, service }) => host !== null || service !== null);
    const expected = askPython<Tuple[] | string>(
      asked.map(({ host, service, family, type, protocol, flags }) => [
        'getaddrinfo',
        ...[host, service, FAMILY[family], TYPE[type], PROTOCOL[protocol], numberOf(flags, LOOKUP_FLAGS)],
      ]),
    );
    const answers: unknown[] = [];
    while (answers.length < asked.length) {
      const next = asked.slice(answers.length, answers.length + AT_ONCE);
      answers.push(...(await Promise.all(next.map(ask))));
    }
    const codes = new Set<string>();
    let found = 0;
    for (const [i, question] of asked.entries()) {
      const python = expected[i]!;
      if (typeof python === 'string') codes.add(python);
      else found += python.length;
      expect([question, answers[i]]).toEqual([
        question,
        typeof python === 'string' ? python : rowsOf(python),
      ]);
    }
    // All this would be worth little if most questions had no answer, or all of them one.
    expect(found).toBeGreaterThan(COUNT / 4);
    expect([...codes]).toEqual(
      expect.arrayContaining(['EAI_NONAME', 'EAI_SERVICE', 'EAI_SOCKTYPE', 'EAI_BADFLAGS']),
    );
  },
);

const codeOf = (error: { code: string }): string => error.code;

async function ask(question: typeof questions extends fc.Arbitrary<infer T> ? T : never): Promise<unknown> {
  try {
    const { addresses, canonicalName } = await lookup({ ...question, timeoutMs: 10_000 });
    return addresses.map(({ family, type, protocol, address, port, flowInfo, scopeId }, i) => [
      FAMILY[family],
      TYPE[type as keyof typeof TYPE],
      PROTOCOL[protocol as keyof typeof PROTOCOL],
      i === 0 ? (canonicalName ?? '') : '',
      flowInfo === null ? [address, port] : [address, port, flowInfo, scopeId],
    ]);
  } catch (error) {
    return codeOf(error as { code: string });
  }
}

/** Python leaves the zone in the address in some versions, and writes IPv6 in the C library's way. */
function rowsOf(tuples: Tuple[]): unknown[] {
  return tuples.map(([family, type, protocol, name, [address, ...rest]]) => [
    family,
    type,
    protocol,
    name,
    [address.replace(/%.*/, ''), ...rest],
  ]);
}

const addresses = fc.oneof(
  fc.constantFrom('127.0.0.1', '::1', '::ffff:127.0.0.1'),
  fc.ipV4().map((a) => a.replace(/^\d+/, '127')),
);

withPython('gethostbyaddr and getnameinfo: names, aliases and addresses as python gets them', async () => {
  // Not every host has a name for ::1, and name servers elsewhere are not asked.
  const asked = ['127.0.0.1', '::ffff:127.0.0.1'];
  const entries = askPython<[string, string[], string[]] | string>(
    asked.map((one) => ['gethostbyaddr', one]),
  );
  for (const [i, text] of asked.entries()) {
    const question = { address: parseAddress(text), port: null, flags: [], timeoutMs: 10_000 };
    const answer = await reverse(question).then(
      ({ name, aliases, addresses: all }) => [name, aliases, all],
      codeOf,
    );
    expect([text, answer]).toEqual([text, entries[i]]);
  }
});

withPython('getnameinfo: a thousand random ends and flags', async () => {
  const flags = fc.subarray(Object.keys(NAME_INFO_FLAGS) as NameInfoFlag[]);
  const cases = fc
    .sample(
      fc.record({
        address: addresses,
        port: fc.oneof(fc.constantFrom(80, 53, 22, 514), fc.nat(65_535)),
        flags,
      }),
      1000,
    )
    .map((one) => (one.address === '127.0.0.1' ? one : digits(one)));
  const expected = askPython<[string, string] | string>(
    cases.map(({ address, port, flags: names }) => [
      'getnameinfo',
      [address, port],
      numberOf(names, NAME_INFO_FLAGS),
    ]),
  );
  for (const [i, { address, port, flags: names }] of cases.entries()) {
    const asked = { address: parseAddress(address), port, flags: names, timeoutMs: 10_000 };
    const answer = await reverse(asked).then(({ name, service }) => [name, service], codeOf);
    expect([cases[i], answer]).toEqual([cases[i], expected[i]]);
  }
});

/** An address that has no name here: the name server must not be asked, digits are the answer. */
function digits<T extends { flags: NameInfoFlag[] }>(one: T): T {
  const flags: NameInfoFlag[] = [...one.flags.filter((flag) => flag !== 'NI_NAMEREQD'), 'NI_NUMERICHOST'];
  return { ...one, flags };
}
