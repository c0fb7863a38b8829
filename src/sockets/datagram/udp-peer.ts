import { SocketError } from '../errors.js';
import type { InternetEndpoint } from '../endpoint.js';
import { BATCHES_A_TURN } from '../limits.js';
import { close, connect, recv, send, socket } from '../native/syscalls.js';
import { Watch } from '../native/watch.js';

const MAX_DATAGRAM_BYTES = 65_535;
/** One for all: what came is copied before anything else runs. */
const arriving = Buffer.alloc(MAX_DATAGRAM_BYTES);

export interface UdpEvents {
  onDatagram: (bytes: Buffer) => void;
  /** ECONNREFUSED where nobody listens: the kernel was told by ICMP. */
  onError: (error: SocketError) => void;
}

/**
 * A UDP socket for one exchange with one server. It is connected: the kernel picks a port at random and lets nothing
 * through that is from another end. Who opens it has asked the policy, and closes it.
 */
export class UdpPeer {
  private readonly fd: number;
  private readonly watch: Watch;
  private closed = false;

  constructor(
    readonly end: InternetEndpoint,
    private readonly events: UdpEvents,
  ) {
    this.fd = socket(end.family, 'datagram');
    try {
      connect(this.fd, end);
    } catch (error) {
      close(this.fd);
      throw error;
    }
    this.watch = new Watch(this.fd, () => this.read());
    this.watch.want({ readable: true, writable: false });
  }

  /** What the kernel has no room for is lost, as any datagram can be. */
  send(bytes: Uint8Array): void {
    this.guarded(() => send(this.fd, bytes));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.watch.close();
    close(this.fd);
  }

  private read(): void {
    for (let turn = 0; turn < BATCHES_A_TURN && !this.closed; turn += 1) {
      const count = this.guarded(() => recv(this.fd, arriving));
      if (count === null) return;
      this.events.onDatagram(Buffer.from(arriving.subarray(0, count)));
    }
  }

  private guarded(call: () => number | null): number | null {
    try {
      return call();
    } catch (error) {
      const { errno = 0, details } = SocketError.fromSystem(error);
      this.events.onError(SocketError.fromErrno(errno, details.syscall ?? 'recv', this.end));
      return null;
    }
  }
}
