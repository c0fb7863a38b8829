import { isIP } from 'node:net';
import {
  askRecords,
  doAgree,
  parseAddress,
  parseName,
  parseType,
  reverseNameOf,
  TRANSPORTS,
  type RecordsQuestion,
} from '../../network/index.js';
import type { Servers } from '../../sockets/index.js';
import { Flag, Host, Int, OneOf, Port, ServerAddresses, Text } from '../common/fields.js';
import { invalid } from '../problems/problem.js';
import { answerDto, type RecordsDto } from './answer.dto.js';

/** A certificate has its place in a query, a bundle of them has not: the request line ends at 16 KiB. */
const MAX_CA_CHARACTERS = 8192;

export class RecordsQuery {
  @Text({
    description:
      'A name; with letters of any script it is asked for in A-labels. With type PTR also an address, which stands for its reverse name',
    maxLength: 1024,
    example: 'localhost',
  })
  name!: string;

  @Text({
    description:
      'A AAAA CAA CDNSKEY CDS CNAME DNAME DNSKEY DS HINFO HTTPS MX NAPTR NS NSEC NSEC3 NSEC3PARAM PTR RRSIG SOA SRV SVCB TLSA TXT, or `TYPE` and a number (RFC 3597). ANY is refused (RFC 8482)',
    default: 'A',
    maxLength: 10,
    pattern: /^[A-Za-z0-9]+$/,
  })
  type: string = 'A';

  @ServerAddresses({
    description:
      'Who is asked: an address or a name, with or without a port (`192.0.2.1:5353`, `[2001:db8::1]:5353`). Several are asked at once and compared. ' +
      'Without it: the servers in resolv.conf(5) of this host, the next one where one does not answer',
    default: [],
    example: ['127.0.0.1', '::1'],
  })
  server: string[] = [];

  @Port({
    description: 'Of servers that name none. Without it: 53, over TLS 853, over HTTPS 443',
    query: true,
    optional: true,
  })
  port?: number;

  @OneOf(['auto', ...TRANSPORTS], {
    description:
      '`auto`: UDP, and again over TCP where the answer was truncated. `tls`: RFC 7858. `https`: RFC 8484, over HTTP/2',
    default: 'auto',
  })
  transport: RecordsQuestion['transport'] = 'auto';

  @Flag({ description: 'RD: the server may ask others', query: true, default: true })
  recursion: boolean = true;

  @Flag({ description: 'DO: with signatures and what else DNSSEC has', query: true, default: false })
  dnssec: boolean = false;

  @Flag({ description: 'CD: the server need not check signatures', query: true, default: false })
  checkingDisabled: boolean = false;

  @Int({
    description: 'For each server, all attempts included',
    query: true,
    default: 5000,
    min: 1,
    max: 60_000,
  })
  timeoutMs: number = 5000;

  @Int({ description: 'UDP: how often it is sent in that time', query: true, default: 2, min: 1, max: 5 })
  attempts: number = 2;

  @Host({
    description: 'TLS: the name in the certificate. Without it: the server as it is given',
    optional: true,
  })
  servername?: string;

  @Text({
    description: 'TLS: PEM of authorities that are trusted besides those of Node',
    optional: true,
    maxLength: MAX_CA_CHARACTERS,
  })
  ca?: string;

  @Flag({ description: 'TLS: goes on with a server that could not be verified', query: true, optional: true })
  insecure?: boolean;

  @Text({
    description: 'HTTPS: the path. Without it: `/dns-query`',
    optional: true,
    maxLength: 256,
    pattern: /^\/[!-~]*$/,
  })
  path?: string;
}

/** Decodes, asks, encodes. */
export async function recordsDto(
  query: RecordsQuery,
  servers: Servers,
  gone: AbortSignal,
): Promise<RecordsDto> {
  const type = parseType(query.type);
  const isAddress = query.type.toUpperCase() === 'PTR' && isIP(query.name) !== 0;
  const name = parseName(isAddress ? reverseNameOf(parseAddress(query.name)) : query.name, 'name');
  const answers = await askRecords(servers, query.server, query.port ?? null, {
    name: name.ascii,
    type,
    ...questionOf(query),
    gone,
  });
  return {
    name: query.name,
    asciiName: name.ascii,
    unicodeName: name.unicode,
    type: query.type.toUpperCase(),
    agree: doAgree(answers),
    answers: answers.map((answer) => answerDto(answer, type)),
  };
}

function questionOf(query: RecordsQuery): Omit<RecordsQuestion, 'name' | 'type' | 'gone'> {
  refuseWithoutMeaning(query);
  const { transport, recursion, dnssec, checkingDisabled, timeoutMs, attempts } = query;
  const { servername = null, ca = null, insecure = false, path = '/dns-query' } = query;
  return {
    ...{ transport, dnssec, checkingDisabled, timeoutMs, attempts, path },
    recursionDesired: recursion,
    tls: { servername, ca, insecure, alpn: [], minVersion: 'TLSv1.2', identity: null },
  };
}

const MEANING = {
  servername: ['tls', 'https'],
  ca: ['tls', 'https'],
  insecure: ['tls', 'https'],
  path: ['https'],
} as const;

/** A field that changes nothing must not look like one that was taken. */
function refuseWithoutMeaning(query: RecordsQuery): void {
  const wrong = Object.entries(MEANING).filter(
    ([field, transports]) =>
      query[field as keyof typeof MEANING] !== undefined &&
      !(transports as readonly string[]).includes(query.transport),
  );
  if (wrong.length > 0)
    throw invalid(
      wrong.map(([field]) => ({ pointer: `/${field}`, detail: `has no meaning over ${query.transport}` })),
    );
}
