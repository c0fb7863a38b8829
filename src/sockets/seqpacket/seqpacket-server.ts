import type { UnixEndpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { ACCEPT_RETRY_MS, ACCEPTS_A_TURN } from '../limits.js';
import { accept, close, listen, socket } from '../native/syscalls.js';
import { Watch } from '../native/watch.js';
import { setOptions } from '../options/setting.js';
import type { ServerEvents, ServerSettings } from '../listen/stream-server.js';
import type { UnixFiles } from '../unix/unix-files.js';

/** A SOCK_SEQPACKET socket that listens, which Node has no handle for. Its connections are descriptors. */
export class SeqpacketServer {
  private events: ServerEvents | null = null;
  private readonly watch: Watch;
  private closed = false;
  private retry: NodeJS.Timeout | undefined;

  private constructor(
    private readonly fd: number,
    private readonly removeFile: () => void,
  ) {
    this.watch = new Watch(fd, () => this.ready());
  }

  /** socket(2), bind(2) and listen(2). Fails as they do. */
  static open({ backlog, options }: ServerSettings, at: UnixEndpoint, files: UnixFiles): SeqpacketServer {
    const fd = socket('unix', 'seqpacket');
    let removeFile = (): void => undefined;
    try {
      setOptions(fd, options);
      removeFile = files.bind(fd, at);
      listen(fd, backlog);
      return new SeqpacketServer(fd, removeFile);
    } catch (error) {
      removeFile();
      close(fd);
      throw error;
    }
  }

  get fileno(): number | null {
    return this.closed ? null : this.fd;
  }

  attend(events: ServerEvents): void {
    this.events = events;
    this.watch.want({ readable: true, writable: false });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.retry);
    this.removeFile();
    this.watch.close();
    close(this.fd);
  }

  private ready(): void {
    for (let i = 0; i < ACCEPTS_A_TURN && !this.closed; i += 1) if (!this.acceptOne()) return;
  }

  /** False when there is none, or none can be had now. */
  private acceptOne(): boolean {
    try {
      const fd = accept(this.fd);
      if (fd === null) return false;
      this.events?.accepted(fd);
      return true;
    } catch (error) {
      this.events?.failed();
      if (error instanceof SocketError && error.code === 'ECONNABORTED') return true;
      // No descriptor is free (EMFILE): the connection stays in the queue, and the watch would not rest.
      this.watch.want({ readable: false, writable: false });
      const again = (): void => this.watch.want({ readable: true, writable: false });
      this.retry = setTimeout(again, ACCEPT_RETRY_MS);
      return false;
    }
  }
}
