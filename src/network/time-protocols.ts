import {
  receiveAs,
  receiveDatagramsAs,
  SocketError,
  type DatagramSocket,
  type Engine,
  type InternetEndpoint,
  type ServerEnd,
  type StreamConnection,
} from '../sockets/index.js';
import { clockNs } from './native/clock.js';
import { nsBetween, timestampOf } from './ntp/timestamp.js';
import { askByTcp, askByUdp, internetPeerOf, READER, unanswered } from './time-socket.js';

/** Both protocols say all they have in one line or four bytes; a server that says more is cut short. */
const MAX_ANSWER_BYTES = 4096;

export type Transport = 'tcp' | 'udp';

export interface TimeQuestion extends ServerEnd {
  transport: Transport;
  /** For all of it. */
  timeoutMs: number;
}

/** What a server said, and when it had been heard by this host's clock: nanoseconds since 1970. */
interface Heard {
  remote: InternetEndpoint;
  bytes: Buffer;
  receivedNs: bigint;
}

/** Daytime, RFC 867: a line for people, in a form of the server's own. */
export interface Daytime extends Heard {
  text: string;
}

/** Time, RFC 868: seconds since 1900. */
export interface ServerTime extends Heard {
  /** By the server's clock: nanoseconds since 1970, to the second. */
  serverNs: bigint;
  /** How far its clock is ahead of this host's; it says whole seconds only. */
  offsetMs: number;
}

/** RFC 867. Errors: as hear. */
export async function askDaytime(
  engine: Engine,
  question: TimeQuestion,
  gone: AbortSignal,
): Promise<Daytime> {
  const heard = await hear(engine, question, gone, (bytes) => bytes.includes('\n'));
  return { ...heard, text: heard.bytes.toString('latin1').replace(/[\r\n\0]+$/, '') };
}

/** RFC 868. Errors: as hear; NOT_SYNCHRONIZED for an answer that is not of four bytes. */
export async function askTime(
  engine: Engine,
  question: TimeQuestion,
  gone: AbortSignal,
): Promise<ServerTime> {
  const heard = await hear(engine, question, gone, (bytes) => bytes.length >= 4);
  const { bytes, receivedNs, remote } = heard;
  if (bytes.length !== 4) {
    const { address, port } = remote;
    const message = `an answer of ${String(bytes.length)} bytes: the time protocol has four`;
    throw new SocketError('NOT_SYNCHRONIZED', message, { address, port });
  }
  // 32 bits come round in 2036, as those of NTP do: the time nearest to this host's is meant.
  const ns = nsBetween(timestampOf(receivedNs), BigInt(bytes.readUInt32BE()) << 32n);
  return { ...heard, serverNs: receivedNs + ns, offsetMs: Number(ns) / 1e6 };
}

/**
 * In both protocols the server speaks as soon as somebody connects, or sends an empty datagram, and has nothing else
 * to say. `isWhole`: over TCP there is no need to wait for EOF. Errors: those of Engine.connect and
 * Engine.openDatagram, ECONNREFUSED, ECONNRESET, ETIMEDOUT.
 */
function hear(
  engine: Engine,
  { host, port, transport, timeoutMs }: TimeQuestion,
  signal: AbortSignal,
  isWhole: (bytes: Buffer) => boolean,
): Promise<Heard> {
  const deadline = Date.now() + timeoutMs;
  const bounds = { timeoutMs, signal };
  if (transport === 'tcp')
    return askByTcp(engine, { host, port }, bounds, (connection) =>
      hearStream(connection, deadline, signal, isWhole),
    );
  return askByUdp(engine, { host, port }, bounds, (socket, either) => hearDatagram(socket, deadline, either));
}

async function hearStream(
  connection: StreamConnection,
  deadline: number,
  signal: AbortSignal,
  isWhole: (bytes: Buffer) => boolean,
): Promise<Heard> {
  let heard = Buffer.alloc(0);
  for (;;) {
    const patience = { waitMs: Math.max(0, deadline - Date.now()), signal };
    const request = { ...patience, maxBytes: MAX_ANSWER_BYTES - heard.length, encoding: null };
    const { offset, nextOffset, bytes, eof } = await receiveAs(connection.log, READER, request);
    heard = Buffer.concat([heard, ...bytes.parts]);
    bytes.release();
    if (
      isWhole(heard) ||
      heard.length === MAX_ANSWER_BYTES ||
      (eof && !(connection.closeReason instanceof SocketError))
    )
      return { remote: internetPeerOf(connection), bytes: heard, receivedNs: clockNs('realtime') };
    if (connection.closeReason instanceof SocketError) throw connection.closeReason;
    if (nextOffset === offset) throw unanswered(connection, signal);
  }
}

async function hearDatagram(socket: DatagramSocket, deadline: number, signal: AbortSignal): Promise<Heard> {
  socket.sendSome(Buffer.alloc(0));
  const patience = { waitMs: Math.max(0, deadline - Date.now()), signal };
  const request = { ...patience, maxBytes: MAX_ANSWER_BYTES, maxDatagrams: 1 };
  const [datagram] = (await receiveDatagramsAs(socket.log, READER, request)).datagrams;
  if (datagram === undefined) throw unanswered(socket, signal);
  const receivedNs = BigInt(datagram.timeMicros) * 1000n;
  return { remote: internetPeerOf(socket), bytes: datagram.payload, receivedNs };
}
