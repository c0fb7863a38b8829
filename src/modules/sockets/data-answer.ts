import type { FastifyReply } from 'fastify';
import type { DatagramsAnswer, Encoding, ReadAnswer } from '../../sockets/index.js';
import { datagramDto, isoMicros } from '../common/datagram.dto.js';
import type { DataAnswer, DatagramListAnswer } from './data.dto.js';

export const OCTET_STREAM = 'application/octet-stream';

/** Bytes of a stream: as JSON, or as bare bytes with the offsets in the headers. */
export function bytesAnswer(
  { offset, nextOffset, bytes, text, eof }: ReadAnswer,
  encoding: Encoding,
  reply: FastifyReply,
): DataAnswer | Buffer {
  if (text !== null) return { offset, nextOffset, bytes: bytes.length, ...text, encoding, eof };
  offsetHeaders(reply, offset, nextOffset, eof);
  return bytes;
}

/** Datagrams: as JSON, or the payload of one with the rest in the headers; without it, there was none. */
export function datagramsAnswer(
  { offset, datagrams, nextOffset, eof }: DatagramsAnswer,
  encoding: Encoding | null,
  reply: FastifyReply,
): DatagramListAnswer | Buffer {
  if (encoding !== null) {
    const shown = datagrams.map((datagram) => datagramDto(datagram, encoding));
    return { datagrams: shown, nextOffset, encoding, eof };
  }
  offsetHeaders(reply, offset, nextOffset, eof);
  const [datagram] = datagrams;
  if (datagram === undefined) return Buffer.alloc(0);
  const { from } = datagram;
  const sender = from.family === 'unix' ? encodeURI(from.path) : hostAndPort(from.address, from.port);
  void reply.header('sockeye-from', sender).header('sockeye-time', isoMicros(datagram.timeMicros));
  return datagram.payload;
}

function hostAndPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

function offsetHeaders(reply: FastifyReply, offset: number, nextOffset: number, eof: boolean): void {
  void reply
    .type(OCTET_STREAM)
    .header('sockeye-offset', offset)
    .header('sockeye-next-offset', nextOffset)
    .header('sockeye-eof', String(eof));
}
