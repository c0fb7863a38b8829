import { Injectable, type PipeTransform } from '@nestjs/common';
import { encode, isHostSyntax, isNumeric, type Destination, type Endpoint } from '../../sockets/index.js';
import { destinationOf } from '../common/datagram.dto.js';
import { validate } from '../common/validation.js';
import { invalid } from '../problems/problem.js';
import { SendBody, type Payload } from './data.dto.js';

/** What to send: the body itself, or the text that a JSON body carries in its encoding, and where to. */
@Injectable()
export class PayloadPipe implements PipeTransform<unknown, Payload> {
  transform(body: unknown): Payload {
    if (Buffer.isBuffer(body)) return { data: body, to: null };
    const { data, encoding, to } = validate(SendBody, body);
    return { data: encode(data, encoding), to: to === undefined ? null : destinationOf(to) };
  }
}

/** `127.0.0.1:7007`, `[::1]:7007`, `example.test:7007`; from a Unix socket the path of another. */
export function parseDestination(text: string, from: Endpoint['family']): Destination {
  if (from === 'unix') return { path: text };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (port >= 1 && port <= 65_535 && (isHostSyntax(host) || isNumeric(host))) return { host, port };
  throw invalid([{ pointer: '/to', detail: 'must be address:port, [address]:port or host:port' }]);
}
