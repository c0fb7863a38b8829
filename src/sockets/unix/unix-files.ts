import { createHash, randomBytes } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { UnixEndpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { bind, close, connect, socket } from '../native/syscalls.js';
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
    try {
      this.note(path, identity);
    } catch (error) {
      this.remove(path, identity);
      throw error;
    }
    return () => this.remove(path, identity);
  }

  /**
   * While `work` runs, the path is free for another socket; the one that has it goes on under no name.
   * After an error its file is back, if it is wanted still, and nobody else has put one there.
   */
  async setAside<T>(path: string, work: () => Promise<T>, isWanted: () => boolean): Promise<T> {
    const identity = this.held.get(path);
    if (identity === undefined || identityOf(path) !== identity) return work(); // it is not ours
    const aside = `${path}.${randomBytes(8).toString('hex')}`;
    renameSync(path, aside);
    this.held.delete(path);
    try {
      return await work();
    } catch (error) {
      if (isWanted() && isLinked(aside, path)) this.note(path, identity);
      throw error;
    } finally {
      rmSync(aside, { force: true });
    }
  }

  /** An open socket of ours has the file. */
  has(path: string): boolean {
    return this.held.has(path);
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

  private note(path: string, identity: string): void {
    this.held.set(path, identity);
    try {
      mkdirSync(this.settings.records, { recursive: true });
      writeFileSync(this.recordOf(path), identity);
    } catch (error) {
      throw SocketError.fromSystem(error, { syscall: 'bind', address: path });
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

/** link(2), which replaces nothing. */
function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
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
