import { SocketError } from '../errors.js';
import { getsockopt } from '../native/syscalls.js';
import type { ManagedSocket } from '../socket.js';

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** More than any kernel writes yet. */
const ROOM_BYTES = 512;

type Form = 'u8' | 'u32' | 'u64';

interface Field {
  /** Offset in struct tcp_info. */
  readonly at: number;
  readonly form: Form;
  /** The kernel counts microseconds, shown as milliseconds. */
  readonly micros?: true;
  readonly does: string;
}

/** struct tcp_info of linux/tcp.h, as far as it says something; it only ever grows at its end. */
export const TCP_INFO_FIELDS = {
  retransmits: { at: 2, form: 'u8', does: 'timeouts in a row without an acknowledgement' },
  probes: { at: 3, form: 'u8', does: 'probes sent and not answered: zero window, keep-alive' },
  backoff: { at: 4, form: 'u8', does: 'how often the timeout was doubled' },
  rtoMs: { at: 8, form: 'u32', micros: true, does: 'silence after which a segment is sent again' },
  atoMs: { at: 12, form: 'u32', micros: true, does: 'how long an acknowledgement is delayed' },
  sndMssBytes: { at: 16, form: 'u32', does: 'largest segment sent' },
  rcvMssBytes: { at: 20, form: 'u32', does: 'size of the segments received, as estimated' },
  advMssBytes: { at: 84, form: 'u32', does: 'largest segment, as told to the peer' },
  pmtuBytes: { at: 60, form: 'u32', does: 'path MTU' },
  unacked: {
    at: 24,
    form: 'u32',
    does: 'segments on their way; of a listener: connections not yet accepted',
  },
  sacked: { at: 28, form: 'u32', does: 'segments acknowledged out of order; of a listener: its backlog' },
  lost: { at: 32, form: 'u32', does: 'segments thought lost' },
  retrans: { at: 36, form: 'u32', does: 'segments sent again and on their way' },
  totalRetrans: { at: 100, form: 'u32', does: 'segments sent again so far' },
  lastDataSentMs: { at: 44, form: 'u32', does: 'since data was sent last' },
  lastDataRecvMs: { at: 52, form: 'u32', does: 'since data was received last' },
  lastAckRecvMs: { at: 56, form: 'u32', does: 'since an acknowledgement was received last' },
  rttMs: { at: 68, form: 'u32', micros: true, does: 'round-trip time, smoothed' },
  rttVarMs: { at: 72, form: 'u32', micros: true, does: 'how much the round-trip time varies' },
  minRttMs: { at: 148, form: 'u32', micros: true, does: 'lowest round-trip time of late' },
  rcvRttMs: { at: 92, form: 'u32', micros: true, does: 'round-trip time, as the receiver estimates it' },
  rcvSsthreshBytes: { at: 64, form: 'u32', does: 'bound of the advertised window' },
  rcvSpaceBytes: { at: 96, form: 'u32', does: 'what the receive buffer is adapted to' },
  sndSsthresh: { at: 76, form: 'u32', does: 'slow start ends here, in segments; 2147483647: not yet known' },
  sndCwnd: { at: 80, form: 'u32', does: 'congestion window, in segments' },
  sndWndBytes: { at: 228, form: 'u32', does: 'window that the peer advertises' },
  reordering: { at: 88, form: 'u32', does: 'how far segments are expected to overtake one another' },
  bytesAcked: { at: 120, form: 'u64', does: 'acknowledged by the peer' },
  bytesReceived: { at: 128, form: 'u64', does: 'received and acknowledged' },
  bytesSent: { at: 200, form: 'u64', does: 'sent, what was sent again included' },
  bytesRetrans: { at: 208, form: 'u64', does: 'sent again' },
  notSentBytes: { at: 144, form: 'u32', does: 'taken by the kernel and not sent yet' },
  segsOut: { at: 136, form: 'u32', does: 'segments sent' },
  segsIn: { at: 140, form: 'u32', does: 'segments received' },
  dataSegsOut: { at: 156, form: 'u32', does: 'segments with data sent' },
  dataSegsIn: { at: 152, form: 'u32', does: 'segments with data received' },
  delivered: { at: 192, form: 'u32', does: 'segments delivered to the peer, what was sent again included' },
  deliveredCe: { at: 196, form: 'u32', does: 'of them, with a mark of congestion (ECN)' },
  deliveryRate: { at: 160, form: 'u64', does: 'bytes a second, as measured last' },
  pacingRate: { at: 104, form: 'u64', does: 'bytes a second that are sent at most; null: no bound yet' },
  busyMs: { at: 168, form: 'u64', micros: true, does: 'time with data to send' },
  rwndLimitedMs: { at: 176, form: 'u64', micros: true, does: "of it, held up by the peer's window" },
  sndBufLimitedMs: { at: 184, form: 'u64', micros: true, does: 'of it, held up by our send buffer' },
  dsackDups: { at: 216, form: 'u32', does: 'segments that the peer received twice' },
  reordSeen: { at: 220, form: 'u32', does: 'times that segments overtook one another' },
  rcvOooPack: { at: 224, form: 'u32', does: 'segments received out of order' },
} as const satisfies Record<string, Field>;

/** tcp_states.h, from 1. */
export const TCP_STATES = [
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSE',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const;

/** What TCP knows of a connection. null: the kernel does not say, or does not know yet. */
export type TcpInfo = { state: string | null } & Record<keyof typeof TCP_INFO_FIELDS, number | null>;

/** getsockopt(2) TCP_INFO, tcp(7); null for a socket that is closed, or not of TCP. */
export function tcpInfo(socket: ManagedSocket): TcpInfo | null {
  const { fileno, protocol } = socket;
  if (fileno === null || (protocol !== 'tcp' && protocol !== 'tls')) return null;
  try {
    return decodeTcpInfo(getsockopt(fileno, IPPROTO_TCP, TCP_INFO, ROOM_BYTES));
  } catch (error) {
    if (error instanceof SocketError) return null;
    throw error;
  }
}

/** How many bytes the kernel at the other end has acknowledged; null where there is no TCP, or the kernel does not say. */
export function acknowledgedBytes(fd: number): number | null {
  try {
    return valueOf(getsockopt(fd, IPPROTO_TCP, TCP_INFO, ROOM_BYTES), TCP_INFO_FIELDS.bytesAcked);
  } catch (error) {
    if (error instanceof SocketError) return null;
    throw error;
  }
}

const FIELDS = Object.entries<Field>(TCP_INFO_FIELDS);

/** As many fields as there are bytes. */
export function decodeTcpInfo(bytes: Buffer): TcpInfo {
  const info: Record<string, string | number | null> = { state: TCP_STATES[(bytes[0] ?? 0) - 1] ?? null };
  for (const [name, field] of FIELDS) info[name] = valueOf(bytes, field);
  return info as TcpInfo;
}

const WIDTH: Readonly<Record<Form, number>> = { u8: 1, u32: 4, u64: 8 };
/** All ones stand for "not known", or for no bound. In floating point, those of 64 bits are 2 to the 64th. */
const UNKNOWN: Readonly<Record<Form, number | null>> = { u8: null, u32: 2 ** 32 - 1, u64: 2 ** 64 };

function valueOf(bytes: Buffer, { at, form, micros }: Field): number | null {
  if (at + WIDTH[form] > bytes.length) return null;
  const low = form === 'u8' ? bytes.readUInt8(at) : bytes.readUInt32LE(at);
  const value = form === 'u64' ? bytes.readUInt32LE(at + 4) * 2 ** 32 + low : low;
  if (value === UNKNOWN[form]) return null;
  return micros === true ? value / 1000 : value;
}
