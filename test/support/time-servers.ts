import { createSocket, type Socket } from 'node:dgram';
import { ntpTimestamp } from '../../src/network/index.js';

export interface NtpFields {
  leap?: number;
  version?: number;
  mode?: number;
  stratum?: number;
  referenceId?: Buffer;
  rootDispersionSeconds?: number;
  origin?: Buffer;
  /** Milliseconds since 1970. */
  time?: number;
  transmit?: Buffer;
}

/** A good answer of an NTP server (RFC 5905, 7.3), but for `fields`. */
export function ntpAnswer(question: Buffer, fields: NtpFields = {}): Buffer {
  const { leap = 0, version = 4, mode = 4, stratum = 1, time = Date.now() } = fields;
  const packet = Buffer.alloc(48);
  packet.writeUInt8((leap << 6) | (version << 3) | mode, 0);
  packet.writeUInt8(stratum, 1);
  packet.writeInt8(6, 2);
  packet.writeInt8(-20, 3);
  packet.writeUInt32BE(0x8000, 4);
  packet.writeUInt32BE((fields.rootDispersionSeconds ?? 0) << 16, 8);
  (fields.referenceId ?? Buffer.from('GPS\0')).copy(packet, 12);
  stamp(time - 1000).copy(packet, 16);
  (fields.origin ?? question.subarray(40, 48)).copy(packet, 24);
  stamp(time).copy(packet, 32);
  (fields.transmit ?? stamp(time)).copy(packet, 40);
  return packet;
}

function stamp(time: number): Buffer {
  return Buffer.from(ntpTimestamp(BigInt(time) * 1_000_000n).hex, 'hex');
}

/** The server that the example of the document asks: no listener of the service can be one. */
export async function serveNtp(): Promise<() => void> {
  const ntp: Socket = createSocket('udp4');
  ntp.on('message', (question, { port, address }) => ntp.send(ntpAnswer(question), port, address));
  await new Promise<void>((resolve) => ntp.bind(7123, '127.0.0.1', resolve));
  return () => ntp.close();
}
