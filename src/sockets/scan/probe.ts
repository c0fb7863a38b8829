import { constants } from 'node:os';
import { errorFields, type Family } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { BANNER_BYTES } from '../limits.js';
import {
  close,
  connectOutcome,
  getpeername,
  getsockname,
  recv,
  setsockopt,
  socket,
  SOL_SOCKET,
  startConnect,
} from '../native/syscalls.js';
import { Watch } from '../native/watch.js';
import { verdictOf, type Verdict } from './results.js';

export interface ProbeSettings {
  /** How long an answer may take, and then the banner. */
  timeoutMs: number;
  /** Whether the first bytes of an open port are waited for. */
  banner: boolean;
}

const SO_LINGER = 13;
/** struct linger {1, 0}: close(2) sends RST, and no port stays behind in TIME_WAIT. */
const RESET = Buffer.from('0100000000000000', 'hex');
const { ECONNREFUSED, ETIMEDOUT } = constants.errno;
/** Of this host, and of now: they say nothing about the port. */
const { EADDRNOTAVAIL, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
const SHORTAGES = new Set([EADDRNOTAVAIL, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM]);

/** The kernel has no descriptor, port or memory for a probe now: errno(3). */
export class Shortage {
  constructor(readonly errno: number) {}
}

/** Probes one port after the other. A descriptor that was refused is used again: to make one costs as much as a probe. */
export class Prober {
  private readonly spares = new Map<Family, number>();

  constructor(private readonly settings: ProbeSettings) {}

  /**
   * connect(2) to one port, of which `sockaddr` is the address. What is known at once is the answer, as
   * always on loopback; else the answer is how to give up, and `done` is called with it later.
   */
  probe(
    family: Family,
    sockaddr: Uint8Array,
    done: (verdict: Verdict) => void,
  ): Verdict | Shortage | (() => void) {
    const fd = this.spares.get(family) ?? descriptor(family);
    if (typeof fd !== 'number') return fd;
    this.spares.delete(family);
    const errno = startConnect(fd, sockaddr);
    const isOpen = errno === 0 && !isOwnEnd(fd);
    if (errno === null || (isOpen && this.settings.banner))
      return new Waiting(fd, errno, this.settings, done).giveUp;
    if (errno === ECONNREFUSED) this.spares.set(family, fd);
    else if (errno === 0) hangUp(fd);
    else close(fd);
    return meaning(errno === 0 && !isOpen ? ECONNREFUSED : errno);
  }

  close(): void {
    for (const fd of this.spares.values()) close(fd);
    this.spares.clear();
  }
}

/** Fails for all ports alike where the host has no such family (EAFNOSUPPORT) or forbids it. */
function descriptor(family: Family): number | Verdict | Shortage {
  try {
    return socket(family, 'stream');
  } catch (error) {
    if (error instanceof SocketError && error.errno !== undefined) return meaning(error.errno);
    throw error;
  }
}

function meaning(errno: number): Verdict | Shortage {
  return SHORTAGES.has(errno) ? new Shortage(errno) : verdictOf(errno);
}

/**
 * On this host the kernel may choose the very port that is asked for as the own end, and TCP connects such
 * a socket with itself (RFC 9293, 3.5). It chooses none where somebody listens: any other port would have
 * been refused.
 */
function isOwnEnd(fd: number): boolean {
  try {
    const [near, far] = [getsockname(fd), getpeername(fd)].map(errorFields);
    return near?.port === far?.port && near?.address === far?.address;
  } catch (error) {
    if (error instanceof SocketError) return false; // it has gone meanwhile
    throw error;
  }
}

/** The end of what is connected, or may be any moment. */
function hangUp(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_LINGER, RESET);
  close(fd);
}

/** A probe that has no answer yet, or an open port that may say something. */
class Waiting {
  private readonly watch: Watch;
  private timer: NodeJS.Timeout;
  private isConnected: boolean;

  constructor(
    private readonly fd: number,
    errno: number | null,
    private readonly settings: ProbeSettings,
    private readonly done: (verdict: Verdict) => void,
  ) {
    this.isConnected = errno === 0;
    this.watch = new Watch(fd, () => this.ready());
    this.timer = setTimeout(() => this.late(), settings.timeoutMs);
    this.watch.want({ readable: this.isConnected, writable: !this.isConnected });
  }

  readonly giveUp = (): void => {
    clearTimeout(this.timer);
    this.watch.close();
    hangUp(this.fd);
  };

  private ready(): void {
    if (this.isConnected) return this.end(0, this.read());
    const errno = connectOutcome(this.fd);
    if (errno === null) return;
    if (errno !== 0 || !this.settings.banner) return this.end(errno);
    this.isConnected = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.late(), this.settings.timeoutMs);
    this.watch.want({ readable: true, writable: false });
  }

  private late(): void {
    this.end(this.isConnected ? 0 : ETIMEDOUT);
  }

  /** What an open port has said first; an end of it, of any kind, is silence. */
  private read(): Buffer | null {
    const bytes = Buffer.alloc(BANNER_BYTES);
    try {
      const count = recv(this.fd, bytes) ?? 0;
      return count === 0 ? null : Buffer.from(bytes.subarray(0, count));
    } catch (error) {
      if (error instanceof SocketError) return null;
      throw error;
    }
  }

  private end(errno: number, banner: Buffer | null = null): void {
    this.giveUp();
    this.done(verdictOf(errno, banner));
  }
}
