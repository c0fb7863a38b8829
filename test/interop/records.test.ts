/** Records as BIND and dnsmasq serve them, against what dig shows. */
import type { RecordsDto, ServerAnswerDto } from '../../src/modules/dns/answer.dto.js';
import { RECORD_TYPES } from '../../src/network/index.js';
import { startApi, type Api } from '../support/api.js';
import { Authority } from '../support/certificates.js';
import { Named, startDnsmasq } from '../support/name-servers.js';
import { itWith, missingOf, stopPrograms } from '../support/peers.js';

const BIND = ['named', 'dig', 'dnssec-signzone'];
const withBind = itWith(...BIND);
const withDnsmasq = itWith('dnsmasq');

type Query = Record<string, string | number | boolean | string[]>;

const authority = new Authority('Test Root');
let api: Api;
let bind: Named | undefined;
beforeAll(async () => {
  api = await startApi();
  const certificate = authority.sign('dns.example.test', { subjectAltName: 'IP:127.0.0.1,DNS:localhost' });
  if (missingOf(...BIND).length === 0) bind = await Named.start(certificate);
});
afterAll(async () => {
  await bind?.stop();
  await stopPrograms();
  await api.close();
  authority.remove();
});

async function ask(query: Query): Promise<RecordsDto> {
  const { status, body } = await api.get<RecordsDto>('/v1/dns/records', query);
  expect([query, status, body]).toEqual([query, 200, expect.anything()]);
  return body;
}

async function askBind(name: string, type: string, more: Query = {}): Promise<ServerAnswerDto> {
  const { answers } = await ask({ name, type, server: `127.0.0.1:${bind!.port}`, ...more });
  return answers[0]!;
}

function rowsOf({ records }: ServerAnswerDto, section: string): string[][] {
  return records
    .filter((record) => record.section === section)
    .map(({ name, ttl, class: klass, type, text }) => [`${name}.`, String(ttl), klass, type, text]);
}

const sorted = (rows: string[][]): string[][] =>
  rows.map((row) => row).sort((a, b) => (String(a) < String(b) ? -1 : 1));

const NAMES = [
  ['example.test', 'A', 'AAAA', 'NS', 'SOA', 'MX', 'TXT', 'CAA', 'DNSKEY', 'HTTPS', 'NSEC3PARAM'],
  ['www.example.test', 'A', 'CNAME'],
  ['deep.example.test', 'AAAA'],
  ['_sip._tcp.example.test', 'SRV'],
  ['naptr.example.test', 'NAPTR'],
  ['_443._tcp.example.test', 'TLSA'],
  ['svc.example.test', 'SVCB'],
  ['child.example.test', 'DS', 'NS'],
  ['keys.example.test', 'CDS', 'CDNSKEY'],
  ['unknown.example.test', 'TYPE731'],
  ['empty.example.test', 'TYPE731'],
  ['sub.example.test', 'DNAME'],
  ['a.sub.example.test', 'A'],
  ['1.2.0.192.example.test', 'PTR'],
  ['weird.example.test', 'A'],
  ['many.example.test', 'A'],
  ['big.example.test', 'TXT'],
  ['any.wild.example.test', 'TXT'],
  ['no-such-name.example.test', 'A'],
  ['host.example.test', 'A', 'HINFO'],
] as const;

/** This BIND is older than RFC 9461, and has no name for the key. */
const withDohpath = (rows: string[][]): string[][] =>
  rows.map((row) => row.map((text) => text.replace(' key7=', ' dohpath=')));

const SECTIONS = ['answer', 'authority', 'additional'];

describe('BIND', () => {
  withBind('every type: each section as dig shows it, with signatures and without', async () => {
    const questions = NAMES.flatMap(([name, ...types]) =>
      types.flatMap((type): string[][] => [
        [name, type],
        [name, type, '+dnssec'],
      ]),
    );
    const shown = await bind!.dig(questions);
    expect(shown).toHaveLength(questions.length);
    for (const [i, [name, type, dnssec]] of questions.entries()) {
      const answer = await askBind(name!, type!, { dnssec: dnssec !== undefined, recursion: false });
      for (const section of SECTIONS) {
        const expected = withDohpath(shown[i]!.get(section) ?? []);
        expect([name, type, section, sorted(rowsOf(answer, section))]).toEqual([
          name,
          type,
          section,
          sorted(expected),
        ]);
      }
    }
    const types = new Set(shown.flatMap((sections) => [...sections.values()].flat().map((row) => row[3]!)));
    expect([...types].sort()).toEqual(
      [...Object.keys(RECORD_TYPES).filter((type) => type !== 'NSEC'), 'TYPE731'].sort(),
    );
  });

  withBind('a type that is not known here comes as its bytes', async () => {
    const { records } = await askBind('unknown.example.test', 'type731');
    expect(records[0]).toMatchObject({
      type: 'TYPE731',
      text: '\\# 6 ABCDEF012345',
      data: { hex: 'abcdef012345' },
    });
  });

  withBind('fields beside the text', async () => {
    const data = async (name: string, type: string): Promise<unknown[]> =>
      (await askBind(`${name}example.test`, type)).records
        .filter(({ section }) => section === 'answer')
        .map((record) => record.data);
    expect(await data('', 'MX')).toEqual(
      expect.arrayContaining([
        { preference: 10, exchange: 'mail.example.test' },
        { preference: 20, exchange: '.' },
      ]),
    );
    expect(await data('', 'SOA')).toEqual([
      {
        mname: 'ns1.example.test',
        rname: 'host\\.master.example.test',
        serial: 2026010101,
        ...{ refresh: 7200, retry: 3600, expire: 1_209_600, minimum: 300 },
      },
    ]);
    expect(await data('', 'CAA')).toEqual(
      expect.arrayContaining([
        { critical: true, flags: 128, tag: 'iodef', value: 'mailto:security@example.test' },
      ]),
    );
    expect(await data('_sip._tcp.', 'SRV')).toEqual([
      { priority: 10, weight: 60, port: 5060, target: 'sip.example.test' },
    ]);
    expect(await data('svc.', 'SVCB')).toEqual(
      expect.arrayContaining([
        {
          priority: 1,
          target: 'svc4.example.test',
          params: {
            alpn: ['h2', 'h3-19'],
            port: 8443,
            ipv4hint: ['192.0.2.1', '192.0.2.2'],
            ipv6hint: ['2001:db8::1'],
            key667: '68656cd26c6f',
          },
        },
        { priority: 0, target: 'pool.svc.example.test', params: {} },
        {
          priority: 2,
          target: '.',
          params: {
            mandatory: ['alpn', 'no-default-alpn'],
            alpn: ['f\\oo,bar', 'h2'],
            'no-default-alpn': true,
            ech: 'AEP+',
            key65000: '',
          },
        },
      ]),
    );
    expect(await data('naptr.', 'NAPTR')).toContainEqual({
      ...{ order: 100, preference: 10, flags: 'u', services: 'E2U+sip' },
      ...{ regexp: '!^.*$!sip:info@example.test!', replacement: '.' },
    });
    expect(await data('unknown.', 'type731')).toEqual([{ hex: 'abcdef012345' }]);
  });

  withBind('what is too long for a datagram comes over TCP, or is shown as truncated', async () => {
    const whole = await askBind('many.example.test', 'A');
    expect(whole).toMatchObject({ transport: 'tcp', rcode: 'NOERROR', flags: { truncated: false } });
    expect(whole.records).toHaveLength(300);
    const cut = await askBind('many.example.test', 'A', { transport: 'udp' });
    expect(cut).toMatchObject({ transport: 'udp', flags: { truncated: true } });
    expect(cut.records.length).toBeLessThan(300);
    expect(await askBind('example.test', 'A', { transport: 'tcp' })).toMatchObject({ transport: 'tcp' });
  });

  withBind('says what kind of answer it is', async () => {
    const name = (label: string): string => `${label}.example.test`;
    expect(await askBind(name('nope'), 'A')).toMatchObject({ rcode: 'NXDOMAIN', noData: false });
    expect(await askBind(name('mail'), 'AAAA')).toMatchObject({ rcode: 'NOERROR', noData: true });
    expect(await askBind(name('non'), 'A')).toMatchObject({ rcode: 'NOERROR', noData: true });
    expect(await askBind(name('x.child'), 'A')).toMatchObject({ rcode: 'NOERROR', noData: false });
    expect(await askBind('broken.test', 'A')).toMatchObject({ rcode: 'SERVFAIL', noData: false });
    expect(await askBind('elsewhere.test', 'A')).toMatchObject({ rcode: 'REFUSED', noData: false });
    const { flags, edns } = await askBind('example.test', 'A', { dnssec: true });
    expect(flags).toMatchObject({ authoritative: true, recursionDesired: true, recursionAvailable: false });
    expect(edns).toMatchObject({ version: 0, dnssecOk: true });
  });

  withBind('names in any script are asked for in A-labels, addresses by their reverse name', async () => {
    const { answers, ...names } = await ask({
      name: 'Bücher.example.test',
      server: `127.0.0.1:${bind!.port}`,
    });
    expect(names).toEqual({
      name: 'Bücher.example.test',
      asciiName: 'xn--bcher-kva.example.test',
      unicodeName: 'bücher.example.test',
      type: 'A',
      agree: null,
    });
    expect(answers[0]!.records[0]).toMatchObject({ data: { address: '192.0.2.10' } });
    const reverse = await ask({ name: '192.0.2.1', type: 'PTR', server: `127.0.0.1:${bind!.port}` });
    expect(reverse.asciiName).toBe('1.2.0.192.in-addr.arpa');
  });

  withBind('over TLS, verified by its certificate, and not otherwise', async () => {
    const server = `127.0.0.1:${bind!.tlsPort}`;
    const asked = { name: 'many.example.test', transport: 'tls', server };
    const answer = await ask({ ...asked, ca: authority.ca });
    expect(answer.answers[0]).toMatchObject({ transport: 'tls', rcode: 'NOERROR', port: bind!.tlsPort });
    expect(answer.answers[0]!.records).toHaveLength(300);
    expect((await ask({ ...asked, insecure: true })).answers[0]).toMatchObject({ rcode: 'NOERROR' });
    await api.refused(api.get('/v1/dns/records', asked), 502, 'tls-failed');
    const other = { ...asked, ca: authority.ca, servername: 'other.example' };
    const { code } = await api.refused(api.get('/v1/dns/records', other), 502, 'tls-failed');
    expect(code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  withBind('over HTTPS, as over anything else', async () => {
    const server = `127.0.0.1:${bind!.httpsPort}`;
    const asked = { name: 'example.test', type: 'MX', transport: 'https', server, ca: authority.ca };
    const { answers } = await ask(asked);
    expect(answers[0]).toMatchObject({ transport: 'https', rcode: 'NOERROR', address: '127.0.0.1' });
    expect(rowsOf(answers[0]!, 'answer')).toHaveLength(2);
    const big = await ask({ ...asked, name: 'many.example.test', type: 'A' });
    expect(big.answers[0]!.records).toHaveLength(300);
    const elsewhere = { ...asked, path: '/nowhere' };
    const problem = await api.refused(api.get('/v1/dns/records', elsewhere), 502, 'bad-answer');
    expect(problem).toMatchObject({ code: 'EBADMSG', detail: expect.stringContaining('HTTP status 404') });
    // A port that speaks TLS, but no HTTP.
    const noHttp = { ...asked, server: `127.0.0.1:${bind!.tlsPort}` };
    const { status } = await api.get('/v1/dns/records', noHttp);
    expect(status).toBe(502);
  });
});

withDnsmasq('dnsmasq: an answer, NXDOMAIN, and what it forwards nowhere', async () => {
  const { port } = await startDnsmasq(
    ...['--address=/a.test/192.0.2.7', '--txt-record=t.test,one,two', '--mx-host=m.test,mail.test,5'],
    ...['--local=/test/', '--srv-host=_x._tcp.test,h.test,99,1,2'],
  );
  const one = async (name: string, type: string): Promise<ServerAnswerDto> =>
    (await ask({ name, type, server: `127.0.0.1:${port}` })).answers[0]!;
  expect(await one('a.test', 'A')).toMatchObject({
    rcode: 'NOERROR',
    records: [{ text: '192.0.2.7', ttl: 0 }],
  });
  expect((await one('t.test', 'TXT')).records[0]).toMatchObject({ data: { strings: ['one', 'two'] } });
  expect((await one('m.test', 'MX')).records[0]).toMatchObject({ text: '5 mail.test.' });
  expect((await one('_x._tcp.test', 'SRV')).records[0]).toMatchObject({ text: '1 2 99 h.test.' });
  expect(await one('nope.test', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
  expect(await one('elsewhere.example', 'A')).toMatchObject({ rcode: 'REFUSED' });
});

withDnsmasq('several servers are compared, and an error of one is an entry', async () => {
  const [one, same, other] = await Promise.all(
    ['192.0.2.1', '192.0.2.1', '192.0.2.2'].map((address) => startDnsmasq(`--address=/x.test/${address}`)),
  );
  const at = ({ port }: { port: number }): string => `127.0.0.1:${port}`;
  const compare = (...server: string[]): Promise<RecordsDto> =>
    ask({ name: 'x.test', server, timeoutMs: 3000 });
  expect((await compare(at(one!), at(same!))).agree).toBe(true);
  const { agree, answers } = await compare(at(one!), at(other!), '127.0.0.1:9');
  expect(agree).toBe(false);
  expect(answers.map(({ port, rcode }) => [port, rcode])).toEqual([
    [one!.port, 'NOERROR'],
    [other!.port, 'NOERROR'],
    [9, null],
  ]);
  expect(answers[2]!.error).toMatchObject({ code: 'ECONNREFUSED', errno: 111 });
  expect((await compare(at(one!), '127.0.0.1:9')).agree).toBeNull();
});
