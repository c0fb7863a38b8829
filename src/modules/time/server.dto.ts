import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { isHostSyntax } from '../../sockets/index.js';
import { field } from '../common/field.js';
import { Host, Int, OneOf, Port } from '../common/fields.js';

const MAX_SERVERS = 8;
const MAX_SAMPLES = 8;
/** RFC 867 and RFC 868, and the registry of ports. */
export const DAYTIME_PORT = 13;
export const TIME_PORT = 37;
const NTP_PORT = 123;

/** One server, or several: `server=a&server=b`. */
function Servers(): PropertyDecorator {
  const valid = ValidateBy({
    name: 'isServers',
    validator: {
      validate: isServers,
      defaultMessage: () =>
        `$property must be a host name or an address, at most ${String(MAX_SERVERS)} different ones`,
    },
  });
  const item = { type: 'string' as const, maxLength: 253 };
  return field(
    {
      description: 'Name or address of a server; several are asked at the same time and compared',
      example: ['127.0.0.1'],
    },
    { type: 'array', items: item, minItems: 1, maxItems: MAX_SERVERS, uniqueItems: true },
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value)),
    valid,
  );
}

function isServers(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SERVERS) return false;
  if (new Set(value).size < value.length) return false;
  return value.every((server) => typeof server === 'string' && isHostSyntax(server));
}

const TIMEOUT = {
  description: 'How long the whole may take',
  query: true,
  default: 5000,
  min: 1,
  max: 60_000,
};

export class NtpQuery {
  @Servers()
  server!: string[];

  @Port({ description: 'UDP port of each of them', query: true, default: NTP_PORT, example: 7123 })
  port: number = NTP_PORT;

  @Int({ description: 'Version of the protocol to speak', query: true, default: 4, min: 1, max: 4 })
  version: number = 4;

  @Int({
    description: 'Round trips to each server; the one with the shortest way counts',
    query: true,
    default: 1,
    min: 1,
    max: MAX_SAMPLES,
  })
  samples: number = 1;

  @Int({
    description: 'Time between an answer and the next question. Public servers want seconds',
    query: true,
    default: 100,
    min: 0,
    max: 10_000,
  })
  intervalMs: number = 100;

  @Int(TIMEOUT)
  timeoutMs: number = 5000;
}

class TimeServerQuery {
  @Host({ description: 'Name or address of the server', example: '127.0.0.1' })
  server!: string;

  @OneOf(['tcp', 'udp'], { description: 'How to ask', default: 'tcp' })
  protocol: 'tcp' | 'udp' = 'tcp';

  @Int(TIMEOUT)
  timeoutMs: number = 5000;
}

export class DaytimeQuery extends TimeServerQuery {
  @Port({ description: 'Its port', query: true, default: DAYTIME_PORT, example: 7013 })
  port: number = DAYTIME_PORT;
}

export class TimeProtocolQuery extends TimeServerQuery {
  @Port({ description: 'Its port', query: true, default: TIME_PORT, example: 7037 })
  port: number = TIME_PORT;
}
