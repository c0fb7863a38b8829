import net from 'node:net';
import { errorFields, type Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { filenoOf } from '../stream/kernel-handle.js';
import type { OptionSetting } from '../options/setting.js';
import { openStream } from '../stream/stream-descriptor.js';
import type { UnixFiles } from '../unix/unix-files.js';

export interface ServerSettings {
  backlog: number;
  ipv6Only: boolean;
  options: readonly OptionSetting[];
  /** SOCK_SEQPACKET; otherwise SOCK_STREAM. */
  type?: 'seqpacket';
}

export interface ServerEvents {
  /** A connection, of which nothing has been read; a descriptor where Node has no handle for it. */
  accepted: (connection: net.Socket | number) => void;
  /** accept(2) failed: one connection never came to be; the listener goes on. */
  failed: () => void;
}

/** A descriptor that listens, and the file that goes with it. */
export class StreamServer {
  private constructor(
    private readonly server: net.Server,
    private readonly removeFile: () => void,
  ) {}

  /** socket(2), bind(2) and listen(2). Fails as they do. */
  static async open(at: Endpoint, settings: ServerSettings, files: UnixFiles): Promise<StreamServer> {
    const { backlog, ipv6Only, options } = settings;
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const local = at.family === 'unix' ? null : at;
    const fd = openStream({ family: at.family, local, ipv6Only, options });
    const removeFile = at.family === 'unix' ? files.bindOrClose(fd, at) : (): void => undefined;
    try {
      await listen(server, fd, backlog);
    } catch (error) {
      removeFile();
      throw SocketError.fromSystem(error, { syscall: 'listen', ...errorFields(at) });
    }
    return new StreamServer(server, removeFile);
  }

  /** In the tick after `open`: nothing has been accepted before. */
  attend({ accepted, failed }: ServerEvents): void {
    this.server.removeAllListeners('error').on('error', failed);
    this.server.on('connection', accepted);
  }

  get fileno(): number | null {
    return filenoOf(this.server);
  }

  /** What was accepted goes on. */
  close(): void {
    this.removeFile();
    this.server.close();
  }
}

function listen(server: net.Server, fd: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, backlog, resolve);
  });
}
