import type { Address } from './address.js';
import { decodeRecords, type Datagram } from './datagram.js';
import { DATAGRAM_FRAME, type Bytes, type Frame } from './frame.js';
import type { TextData } from './protocol.js';

export interface ReceivedBytes {
  kind: 'bytes';
  /** Of the first byte, from the beginning of the stream. */
  offset: number;
  bytes: Bytes;
}

export interface ReceivedText {
  kind: 'text';
  offset: number;
  nextOffset: number;
  text: string;
  /** Some bytes were not valid in that encoding. */
  lossy: boolean;
  /** Of a datagram: when the kernel received it, ISO 8601. */
  time?: string;
  /** Of a datagram: who sent it. */
  from?: Address;
}

/** What is gone, from `from` up to, and without, `to`. */
export interface Gap {
  kind: 'gap';
  from: number;
  to: number;
}

/** What a channel receives. */
export type Item = ReceivedBytes | ReceivedText | Datagram | Gap;

export function itemsOf({ type, offset, payload }: Frame, isUnix: boolean): Item[] {
  return type === DATAGRAM_FRAME
    ? decodeRecords(payload, offset, isUnix)
    : [{ kind: 'bytes', offset, bytes: payload }];
}

export function textItem({ offset, nextOffset, data, lossy, time, from }: TextData): ReceivedText {
  const datagram = { ...(time === undefined ? {} : { time }), ...(from === undefined ? {} : { from }) };
  return { kind: 'text', offset, nextOffset, text: data, lossy, ...datagram };
}

/** The offset of an item, and the one behind it. */
export function extentOf(item: Item): { start: number; end: number } {
  switch (item.kind) {
    case 'bytes':
      return { start: item.offset, end: item.offset + item.bytes.length };
    case 'text':
      return { start: item.offset, end: item.nextOffset };
    case 'datagram':
      return { start: item.sequence, end: item.sequence + 1 };
    case 'gap':
      return { start: item.from, end: item.to };
  }
}

/** About how much of the window of its channel an item takes. */
export function weightOf(item: Item): number {
  if (item.kind === 'text') return item.text.length;
  return item.kind === 'gap' ? 0 : item.bytes.length;
}

/** An item without what lies before `offset`; only bytes can be cut. */
export function itemFrom(item: Item, offset: number): Item {
  const { start } = extentOf(item);
  if (offset <= start) return item;
  if (item.kind === 'bytes') return { kind: 'bytes', offset, bytes: item.bytes.subarray(offset - start) };
  return item.kind === 'gap' ? { ...item, from: offset } : item;
}
