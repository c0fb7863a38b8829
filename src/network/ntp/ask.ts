import { randomBytes } from 'node:crypto';
import { receiveDatagramsAs, SocketError, type DatagramSocket } from '../../sockets/index.js';
import { clockNs } from '../native/clock.js';
import { internetPeerOf, READER } from '../time-socket.js';
import { decodePacket, encodeQuestion, NTP_HEADER_BYTES, type NtpPacket } from './packet.js';
import { sampleOf, type NtpSample } from './sample.js';
import { timestampOf } from './timestamp.js';
import { judge } from './verdict.js';

/** One answer that counts: the packet and what its four timestamps say. */
export interface NtpAnswer {
  packet: NtpPacket;
  sample: NtpSample;
  /** What came meanwhile and was no answer to this question. */
  ignored: number;
}

/**
 * One question to the server that `socket` is connected to, and the answer to it within `waitMs`; null: none came.
 * Whatever else comes is counted and passed over. Errors: KISS_OF_DEATH, NOT_SYNCHRONIZED.
 */
export async function askOnce(
  socket: DatagramSocket,
  version: number,
  waitMs: number,
  signal: AbortSignal,
): Promise<NtpAnswer | null> {
  const question = randomBytes(8).readBigUInt64BE();
  const deadline = Date.now() + waitMs;
  const sentNs = clockNs('realtime');
  socket.sendSome(encodeQuestion(version, question));
  for (let ignored = 0; ; ignored++) {
    const patience = { waitMs: Math.max(0, deadline - Date.now()), signal };
    const request = { ...patience, maxBytes: NTP_HEADER_BYTES, maxDatagrams: 1 };
    const [datagram] = (await receiveDatagramsAs(socket.log, READER, request)).datagrams;
    if (datagram === undefined) return null;
    const packet = decodePacket(datagram.payload);
    const verdict = judge(packet, question);
    if (verdict.kind === 'kiss') throw kissed(socket, verdict.code);
    if (verdict.kind === 'refuse') throw refused(socket, verdict.reason);
    if (verdict.kind === 'ignore' || packet === null) continue;
    const trip = { sentNs, receivedNs: BigInt(datagram.timeMicros) * 1000n };
    return { packet, sample: sampleOf(packet, trip, timestampOf(sentNs)), ignored };
  }
}

function kissed(socket: DatagramSocket, kissCode: string): SocketError {
  const says = KISS_CODES[kissCode] ?? 'a code of its own';
  return new SocketError('KISS_OF_DEATH', `the server asks to be left alone: ${kissCode} (${says})`, {
    ...where(socket),
    kissCode,
  });
}

function refused(socket: DatagramSocket, reason: string): SocketError {
  return new SocketError('NOT_SYNCHRONIZED', `an answer without a time to go by: ${reason}`, where(socket));
}

function where(socket: DatagramSocket): { address: string; port: number } {
  const { address, port } = internetPeerOf(socket);
  return { address, port };
}

/** RFC 5905, 7.4. */
const KISS_CODES: Readonly<Record<string, string | undefined>> = {
  ACST: 'the association belongs to a unicast server',
  AUTH: 'server authentication failed',
  AUTO: 'autokey sequence failed',
  BCST: 'the association belongs to a broadcast server',
  CRYP: 'cryptographic authentication or identification failed',
  DENY: 'access denied by the remote server',
  DROP: 'lost peer in symmetric mode',
  INIT: 'the association has not yet synchronized',
  MCST: 'the association belongs to a dynamically discovered server',
  NKEY: 'no key found',
  NTSN: 'the network time security cookie was not valid',
  RATE: 'rate exceeded',
  RMOT: 'alteration of the association from a remote host',
  RSTR: 'access denied by local policy',
  STEP: 'a step change in system time has occurred',
};
