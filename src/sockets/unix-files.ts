import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnixEndpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import { bind, close, connect, socket } from './native/syscalls.js';
import { unixEndpoint } from './unix-path.js';

/** Where Unix sockets may be, and where it is noted which files there are ours. */
export interface UnixSettings {
  /** The one directory for them; '' when there are to be none. */
  directory: string;
  /** Holds one small file for each socket file that we have made, for the time after a crash. */
  records: string;
}

/**
 * The files that bind(2) makes for Unix sockets. A file is ours when device, inode and time of its
 * making are those that were noted after the bind: only such a file is ever unlinked.
 */
export class UnixFiles {
  /** Files of open sockets: path and identity. */
  private readonly held = new Map<string, string>();

  constructor(private readonly settings: UnixSettings) {}

  /** As `unixEndpoint`, in the configured directory. */
  endpoint(path: string, syscall: 'bind' | 'connect'): UnixEndpoint {
    return unixEndpoint(path, this.settings.directory, syscall);
  }

  /**
   * bind(2). A file of ours whose socket is gone makes room; any other keeps its place: EADDRINUSE.
   * Answers what removes the file, if it is still ours by then; call it when the socket is closed.
   */
  bind(fd: number, end: UnixEndpoint): () => void {
    if (this.isStale(end)) unlinkSync(end.path);
    bind(fd, end);
    const { path } = end;
    const identity = identityOf(path) ?? '';
    this.held.set(path, identity);
    try {
      mkdirSync(this.settings.records, { recursive: true });
      writeFileSync(this.recordOf(path), identity);
    } catch (error) {
      this.remove(path, identity);
      throw SocketError.fromSystem(error, { syscall: 'bind', address: path });
    }
    return () => this.remove(path, identity);
  }

  /** As `bind`; after an error the descriptor is closed. */
  bindOrClose(fd: number, end: UnixEndpoint): () => void {
    try {
      return this.bind(fd, end);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Once; another may have the path by then. */
  private remove(path: string, identity: string): void {
    if (this.held.get(path) !== identity) return;
    this.held.delete(path);
    try {
      if (identityOf(path) === identity) unlinkSync(path);
      rmSync(this.recordOf(path), { force: true });
    } catch {
      // What cannot be removed now is stale, and known as ours: the next bind makes room.
    }
  }

  private isStale(end: UnixEndpoint): boolean {
    if (this.held.has(end.path)) return false;
    const identity = identityOf(end.path);
    return identity !== null && identity === this.recorded(end.path) && isDead(end);
  }

  private recorded(path: string): string | null {
    try {
      return readFileSync(this.recordOf(path), 'utf8');
    } catch {
      return null;
    }
  }

  private recordOf(path: string): string {
    return join(this.settings.records, createHash('sha256').update(path).digest('hex'));
  }
}

/** What tells a file from another that took its name, or its inode; null when there is no socket. */
function identityOf(path: string): string | null {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found?.isSocket() === true ? [found.dev, found.ino, found.mtimeNs].map(String).join(' ') : null;
}

/** No socket has the file any more. Asked with a datagram socket: a listener does not see it (EPROTOTYPE). */
function isDead(end: UnixEndpoint): boolean {
  const fd = socket('unix', 'datagram');
  try {
    connect(fd, end);
    return false;
  } catch (error) {
    return error instanceof SocketError && error.code === 'ECONNREFUSED';
  } finally {
    close(fd);
  }
}
