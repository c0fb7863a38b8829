import { isHostSyntax, type ServerEnd } from '../sockets/index.js';
import { notValid } from './address.js';

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`, or a name in their place. Throws EINVAL. */
export function parseServer(text: string, defaultPort: number): ServerEnd {
  if (isHostSyntax(text)) return { host: text, port: defaultPort };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = digits === undefined ? defaultPort : Number(digits);
  if (!isHostSyntax(host))
    throw notValid('server', `is not an address or a name, with or without a port: "${text}"`);
  if (port < 1 || port > 65_535)
    throw notValid('server', `has a port that is not between 1 and 65535: "${text}"`);
  return { host, port };
}
