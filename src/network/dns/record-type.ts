import { SocketError } from '../../sockets/index.js';
import { notValid } from '../address.js';
import { RECORD_TYPES } from './codes.js';

/** Types that are no records but requests: whole zones, and whatever there is (RFC 1035, 3.2.3; RFC 8482). */
const REFUSED = new Map([
  ['ANY', 255],
  ['MAILA', 254],
  ['MAILB', 253],
  ['AXFR', 252],
  ['IXFR', 251],
  ['TSIG', 250],
  ['TKEY', 249],
  ['OPT', 41],
]);

/** A type by its name, in any case, or as TYPE731 (RFC 3597). Throws EINVAL, and EOPNOTSUPP for what is no type of records. */
export function parseType(text: string): number {
  const name = text.toUpperCase();
  const digits = /^TYPE(\d{1,5})$/.exec(name)?.[1];
  const number =
    digits === undefined
      ? (RECORD_TYPES[name as keyof typeof RECORD_TYPES] as number | undefined)
      : Number(digits);
  const refused = [...REFUSED].find(([one, value]) => one === name || value === number)?.[0];
  if (refused !== undefined) {
    const detail = `${refused} is no type of records: servers answer it as they like, or not at all (RFC 8482). Ask for each type`;
    throw new SocketError('EOPNOTSUPP', detail, { field: 'type' });
  }
  if (number === undefined || number < 1 || number > 65_535)
    throw notValid('type', `must be one of ${Object.keys(RECORD_TYPES).join(', ')}, or TYPE and a number`);
  return number;
}
