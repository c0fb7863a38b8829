import {
  DatagramSocket,
  SeqpacketConnection,
  StreamConnection,
  type DataSocket,
} from '../../../sockets/index.js';
import { ProblemError } from '../../problems/problem.js';
import { DatagramChannel } from './datagram-channel.js';
import type { Channel, ChannelHost, ChannelOptions } from './channel.js';
import { FRAME_TYPE_DATAGRAMS, FRAME_TYPE_STREAM, type ClientFrame } from '../wire/frame.js';
import { StreamChannel } from './stream-channel.js';

/** A channel for what the socket carries: bytes or datagrams. */
export function openChannel(
  number: number,
  socket: DataSocket,
  options: ChannelOptions,
  host: ChannelHost,
): Channel {
  if (socket instanceof DatagramSocket || socket instanceof SeqpacketConnection)
    return new DatagramChannel(number, socket, options, host);
  if (socket instanceof StreamConnection) return new StreamChannel(number, socket, options, host);
  throw new TypeError('a socket carries bytes or datagrams');
}

/** Bytes sent to a datagram socket would have no bounds. */
export function refuseOtherType({ type }: ClientFrame, channel: Channel): void {
  const own = channel instanceof DatagramChannel ? FRAME_TYPE_DATAGRAMS : FRAME_TYPE_STREAM;
  if (type !== own)
    throw new ProblemError('bad-request', `frames of this channel are of type ${String(own)}`);
}
