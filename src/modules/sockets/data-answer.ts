import { StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import type { DatagramsAnswer, Encoding, PinnedBytes, ReadAnswer } from '../../sockets/index.js';
import { datagramDto, isoMicros } from '../common/datagram.dto.js';
import type { DataAnswer, DatagramListAnswer } from './data.dto.js';

export const OCTET_STREAM = 'application/octet-stream';

/** Bytes of a stream: as JSON, or as bare bytes with the offsets in the headers. */
export function bytesAnswer(
  { offset, nextOffset, bytes, text, eof }: ReadAnswer,
  encoding: Encoding,
  reply: FastifyReply,
): DataAnswer | Buffer | StreamableFile {
  if (text !== null) {
    const { data, lossy } = text;
    return { offset, nextOffset, bytes: text.bytes, data, lossy, encoding, eof };
  }
  offsetHeaders(reply, offset, nextOffset, eof);
  return pinnedAnswer(bytes, reply);
}

/** Written as they lie in the log. A response closes when the kernel has the last of it, or when it is cut off. */
function pinnedAnswer(bytes: PinnedBytes, reply: FastifyReply): Buffer | StreamableFile {
  const { parts, length } = bytes;
  reply.raw.once('close', () => bytes.release());
  if (parts.length < 2) return bytes.joined();
  // A stream, not for its pace: nothing else takes more than one buffer for one body.
  const stream = new Readable({
    read() {
      for (const part of [...parts, null]) this.push(part);
    },
  });
  return new StreamableFile(stream, { type: OCTET_STREAM, length });
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
