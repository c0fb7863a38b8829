import { SocketError } from '../../sockets/index.js';
import { typeName } from './codes.js';
import type { Message } from './message.js';
import type { ServerAnswer } from './records.js';

/** NODATA: the name is there, and has no record of the type (RFC 2308, 2.2). A referral is something else. */
export function isNoData({ rcode, records }: Message, type: number): boolean {
  if (rcode !== 'NOERROR') return false;
  if (records.some((record) => record.section === 'answer' && record.type === typeName(type))) return false;
  const authority = records.filter(({ section }) => section === 'authority').map((record) => record.type);
  return authority.includes('SOA') || !authority.includes('NS');
}

/** Whether all say the same: rcode and records of the answer, whatever their order and TTL. Null: fewer than two did answer. */
export function doAgree(answers: readonly ServerAnswer[]): boolean | null {
  const said = answers.flatMap(({ outcome }) => (outcome instanceof SocketError ? [] : [essenceOf(outcome)]));
  return said.length < 2 ? null : new Set(said).size === 1;
}

function essenceOf({ rcode, records }: Message): string {
  const rows = records
    .filter(({ section }) => section === 'answer')
    .map(({ name, type, text }) => `${name.toLowerCase()} ${type} ${text}`);
  return [rcode, ...rows.sort()].join('\n');
}
