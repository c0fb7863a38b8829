import { domainToASCII, domainToUnicode } from 'node:url';
import { notValid } from '../address.js';

/** A name of the DNS in both spellings of RFC 5890: without a dot at its end, the root as `.`. */
export interface DnsName {
  /** What goes over the wire: A-labels. */
  readonly ascii: string;
  /** What people read: U-labels. The same for most names. */
  readonly unicode: string;
}

const MAX_NAME = 253;
const MAX_LABEL = 63;
/** An underscore stands in names of services, RFC 8552. */
const LABEL = /^[A-Za-z0-9_-]+$/;
/** Of the ASCII characters the same; what else belongs in a name is for IDNA to say. */
const READABLE = /^(?:[A-Za-z0-9_.-]|[^\x00-\x7f])+$/;

/**
 * Checked before anything is asked: letters, digits, hyphens, underscores, and what IDNA makes such labels of
 * (UTS #46). Throws EINVAL that says what is wrong.
 */
export function parseName(text: string, field: string): DnsName {
  if (text === '.') return { ascii: '.', unicode: '.' };
  if (!READABLE.test(text))
    throw notValid(
      field,
      'must be letters, digits, hyphens, underscores and dots, or their like in any script',
    );
  const ascii = isAscii(text) ? text : domainToASCII(text);
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  if (name === '') throw notValid(field, 'is not a name that IDNA allows');
  if (name.length > MAX_NAME) throw notValid(field, `is longer than ${String(MAX_NAME)} characters`);
  const wrong = name.split('.').find((label) => label.length > MAX_LABEL || !LABEL.test(label));
  if (wrong !== undefined) throw notValid(field, labelFault(wrong));
  // A name that is not to be read, like `xn--` and nonsense behind it, is shown as it is.
  return { ascii: name, unicode: name.includes('xn--') ? domainToUnicode(name) || name : name };
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

function labelFault(label: string): string {
  if (label === '') return 'has an empty label: two dots, or one in front';
  if (label.length > MAX_LABEL) return `has a label of more than ${String(MAX_LABEL)} characters`;
  return `has a label that is not letters, digits, hyphens and underscores: "${label}"`;
}
