import { MAX_SCAN_CONCURRENCY, type ScanRequest } from '../../sockets/index.js';
import { DurationMs, Flag, Host, Int, OneOf, Text, Texts } from '../common/fields.js';
import { SocketName } from '../common/socket-fields.js';
import { invalid } from '../problems/problem.js';

const HOST = /^[A-Za-z0-9:][A-Za-z0-9.:%_-]*$/;

export class CreateScanDto {
  @Host({ description: 'Name or address to scan', optional: true, example: '127.0.0.1' })
  host?: string;

  @Texts({
    description: 'Several of them, instead of `host`',
    optional: true,
    maxItems: 256,
    maxLength: 253,
    pattern: HOST,
  })
  hosts?: string[];

  @Text({
    description: 'All addresses of a network, instead of `host`: at most 4096',
    optional: true,
    maxLength: 64,
    example: '192.168.0.0/28',
  })
  cidr?: string;

  @Text({
    description: 'Ports and ranges of them. At most 1,048,576 on all addresses together',
    maxLength: 4096,
    example: '22,80,8000-8100',
  })
  ports!: string;

  @OneOf(['any', 'ipv4', 'ipv6'], {
    description: 'Which address of a name is scanned; `any`: IPv4 where there is one',
    default: 'any',
  })
  family: 'any' | 'ipv4' | 'ipv6' = 'any';

  @DurationMs({
    description: 'Without an answer for this long a port is filtered. The kernel repeats its SYN after 1 s',
    default: 2_000,
    min: 1,
  })
  timeoutMs: number = 2_000;

  @Int({
    description: 'Probes that wait for an answer at the same time; they count as sockets',
    default: 256,
    min: 1,
    max: MAX_SCAN_CONCURRENCY,
  })
  concurrency: number = 256;

  @Int({
    description: 'Probes that begin in one second; null: as many as go',
    optional: true,
    nullable: true,
    min: 1,
    max: 1_000_000,
  })
  ratePerSecond: number | null = null;

  @Flag({ description: 'Wait, for `timeoutMs` again, for the first words of an open port', default: false })
  banner: boolean = false;

  @SocketName({
    description: 'Unique among scans that run; stands for the id in paths',
    optional: true,
    nullable: true,
    example: 'demo-scan',
  })
  name: string | null = null;
}

export function scanRequest({ host, hosts, cidr, ...settings }: CreateScanDto): ScanRequest {
  const given = [host === undefined ? hosts : [host], cidr].filter((one) => one !== undefined);
  const both = host !== undefined && hosts !== undefined;
  if (given.length !== 1 || both || hosts?.length === 0)
    throw invalid([{ pointer: '/host', detail: 'one of host, hosts and cidr must be given' }]);
  return { ...settings, where: cidr === undefined ? { hosts: hosts ?? [host ?? ''] } : { cidr } };
}
