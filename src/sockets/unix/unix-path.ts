import { lstatSync, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { UnixEndpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';

/** sun_path of unix(7) holds 108 bytes with its final NUL; what is longer is cut without an error. */
const MAX_PATH_BYTES = 100;

/**
 * Where the file of a Unix socket is, for bind(2), connect(2) or sendto(2): absolute, or relative to
 * `directory`, and inside it, with a real directory as its parent and no symbolic link at its end.
 *
 * Fails with ADDRESS_BLOCKED and the rule (`unix-dir-not-set`, `unix-abstract`, `unix-dir`,
 * `unix-symlink`), with EINVAL for a NUL, ENAMETOOLONG, or ENOENT when the parent is not there.
 */
export function unixEndpoint(path: string, directory: string, syscall: 'bind' | 'connect'): UnixEndpoint {
  const refuse = (rule: string, why: string): SocketError =>
    new SocketError('ADDRESS_BLOCKED', `${syscall} to ${JSON.stringify(path)} is not allowed: ${why}`, {
      syscall,
      address: path,
      rule,
    });
  if (directory === '') throw refuse('unix-dir-not-set', 'no directory for Unix sockets is configured');
  if (path.startsWith('\0') || path.startsWith('@'))
    throw refuse('unix-abstract', 'an abstract name has no permissions and stands in no directory');
  if (path.includes('\0') || path === '') {
    throw new SocketError('EINVAL', 'must be a path without NUL', { syscall, field: 'path' });
  }
  const inside = relative(resolve(directory), resolve(directory, path));
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`))
    throw refuse('unix-dir', `it is not inside of ${directory}`);
  const file = join(real(directory, syscall), inside);
  if (Buffer.byteLength(file) > MAX_PATH_BYTES) {
    const message = `${syscall} ENAMETOOLONG: ${file} is longer than ${String(MAX_PATH_BYTES)} bytes`;
    throw new SocketError('ENAMETOOLONG', message, { syscall, address: path });
  }
  if (real(dirname(file), syscall) !== dirname(file)) throw refuse('unix-symlink', 'its directory is a link');
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    throw refuse('unix-symlink', 'it is a link');
  return { path: file, family: 'unix' };
}

function real(directory: string, syscall: string): string {
  try {
    return realpathSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `${syscall} ${code ?? ''} ${directory}`;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EACCES')
      throw new SocketError(code, message, { syscall, address: directory, cause: error });
    throw error;
  }
}
