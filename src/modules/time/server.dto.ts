import { Int, OneOf, Port, ServerAddress, ServerAddresses } from '../common/fields.js';

const MAX_SAMPLES = 8;
/** RFC 867 and RFC 868, and the registry of ports. */
export const DAYTIME_PORT = 13;
export const TIME_PORT = 37;
const NTP_PORT = 123;

const TIMEOUT = {
  description: 'How long the whole may take',
  query: true,
  default: 5000,
  min: 1,
  max: 60_000,
};

export class NtpQuery {
  @ServerAddresses({
    description:
      'Name or address of a server, with or without a port (`192.0.2.1:7123`, `[2001:db8::1]:7123`); several are ' +
      'asked at the same time and compared',
    example: ['127.0.0.1'],
  })
  server!: string[];

  @Port({ description: 'UDP port of servers that name none', query: true, default: NTP_PORT, example: 7123 })
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
  @ServerAddress({
    description: 'Name or address of the server, with or without a port',
    example: '127.0.0.1',
  })
  server!: string;

  @OneOf(['tcp', 'udp'], { description: 'How to ask', default: 'tcp' })
  protocol: 'tcp' | 'udp' = 'tcp';

  @Int(TIMEOUT)
  timeoutMs: number = 5000;
}

export class DaytimeQuery extends TimeServerQuery {
  @Port({ description: 'Its port, if it names none', query: true, default: DAYTIME_PORT, example: 7013 })
  port: number = DAYTIME_PORT;
}

export class TimeProtocolQuery extends TimeServerQuery {
  @Port({ description: 'Its port, if it names none', query: true, default: TIME_PORT, example: 7037 })
  port: number = TIME_PORT;
}
