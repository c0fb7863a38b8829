import { kernelDropsOf, takeError } from './datagram-descriptor.js';
import type { DatagramLog } from './datagram-log.js';
import { SocketError } from '../errors.js';
import { BATCHES_A_TURN, TURNS_A_QUEUE } from '../limits.js';
import type { IcmpEcho } from './icmp-echo.js';
import type { DatagramArena } from '../native/datagram-arena.js';

/** Brings what the kernel has for one socket into its log, and what the kernel had to drop as gaps. */
export class DatagramReceiver {
  /** Of the kernel's count of drops: what the log was told of. */
  private toldDrops = 0;
  /** The kernel had no more when it was asked last. */
  private isDrained = true;
  /** Nothing came since somebody looked for what was dropped behind the last datagram. */
  isSettled = true;

  constructor(
    private readonly arena: DatagramArena,
    private readonly log: DatagramLog,
    /** An error waited on the socket: it concerns a datagram that was sent before. */
    private readonly onError: (error: SocketError) => void,
    /** Of an ICMP socket: takes the replies out of what comes. */
    private readonly echo: IcmpEcho | null,
  ) {}

  /** Batch after batch until the kernel has no more, or others must have their turn; how many came. */
  receive(fd: number): number {
    let datagrams = 0;
    this.isDrained = false;
    for (let batch = 0; batch < BATCHES_A_TURN && !this.isDrained; batch += 1) {
      const count = this.receiveBatch(fd);
      datagrams += count;
      this.isDrained = count < this.arena.count;
    }
    if (datagrams === 0) return 0;
    this.isSettled = false;
    this.log.wakeAll();
    return datagrams;
  }

  /**
   * As `receive`, and then what was dropped behind the last datagram: each tells of those dropped before
   * it, and of no others.
   */
  receiveToTheEnd(fd: number): number {
    const datagrams = this.receive(fd);
    if (!this.isDrained) return datagrams;
    this.isSettled = true;
    this.missed(kernelDropsOf(fd));
    return datagrams;
  }

  /** All that the kernel has, of a socket that is about to close; not what goes on coming for ever. */
  receiveAll(fd: number): number {
    let datagrams = 0;
    // One that brings nothing may have brought an error, which comes before what waits behind it.
    for (let turn = 0, empty = 0; turn < TURNS_A_QUEUE && empty < 2; turn += 1) {
      const count = this.receiveToTheEnd(fd);
      if (count === 0) empty += 1;
      datagrams += count;
    }
    return datagrams;
  }

  /** How many the kernel has dropped that the log was not told of. */
  untoldDrops(fd: number): number {
    return this.newDrops(kernelDropsOf(fd));
  }

  private receiveBatch(fd: number): number {
    const count = this.attempt(fd);
    for (let i = 0; i < count; i += 1) {
      const datagram = this.arena.datagram(i);
      if (this.echo?.isReply(datagram) === false) continue;
      this.missed(datagram.kernelDrops);
      if (datagram.isCut) this.log.refuse(datagram.end - datagram.start);
      else this.log.append(datagram);
    }
    return count;
  }

  private attempt(fd: number): number {
    try {
      const count = this.arena.receive(fd);
      const error = count === 0 ? takeError(fd) : null;
      if (error !== null) this.onError(error);
      return count;
    } catch (error) {
      this.onError(SocketError.fromSystem(error));
      return 0;
    }
  }

  private missed(drops: number): void {
    const fresh = this.newDrops(drops);
    if (fresh === 0) return;
    this.toldDrops = drops;
    this.log.missed(fresh);
    this.log.wakeAll();
  }

  /** The kernel counts modulo 2^32; a number from before the last one seen brings nothing new. */
  private newDrops(drops: number): number {
    const fresh = (drops - this.toldDrops) >>> 0;
    return fresh < 2 ** 31 ? fresh : 0;
  }
}
