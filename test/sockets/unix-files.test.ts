import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bind, close, listen, socket } from '../../src/sockets/native/syscalls.js';
import { UnixFiles } from '../../src/sockets/unix/unix-files.js';
import { unixEndpoint } from '../../src/sockets/unix/unix-path.js';

let root: string;
let directory: string;
let records: string;
let opened: number[];

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sk-')));
  directory = join(root, 'sockets');
  records = join(root, 'records');
  mkdirSync(join(directory, 'sub'), { recursive: true });
  opened = [];
});

afterEach(() => {
  for (const fd of opened) close(fd);
  rmSync(root, { recursive: true });
});

function stream(): number {
  const fd = socket('unix', 'stream');
  opened.push(fd);
  return fd;
}

/** As the end of a process that had no time for anything: the descriptor goes, the file stays. */
function closeAll(): void {
  for (const fd of opened.splice(0)) close(fd);
}

describe('the place of a Unix socket', () => {
  const at = (path: string) => unixEndpoint(path, directory, 'bind');

  test('is in the configured directory, absolute or relative to it', () => {
    expect(at('a.sock')).toEqual({ family: 'unix', path: join(directory, 'a.sock') });
    expect(at('sub/../sub/a.sock').path).toBe(join(directory, 'sub', 'a.sock'));
    expect(at(join(directory, 'a.sock')).path).toBe(join(directory, 'a.sock'));
  });

  test('may be reached by a link to the directory itself: that is what was configured', () => {
    symlinkSync(directory, join(root, 'link'));
    expect(unixEndpoint('a.sock', join(root, 'link'), 'bind').path).toBe(join(directory, 'a.sock'));
  });

  test.each([
    ['../a.sock', 'unix-dir'],
    ['sub/../../a.sock', 'unix-dir'],
    ['/etc/a.sock', 'unix-dir'],
    ['.', 'unix-dir'],
    ['@name', 'unix-abstract'],
    ['\0name', 'unix-abstract'],
  ])('is refused for %j by the rule %s', (path, rule) => {
    expect(() => at(path)).toThrow(expect.objectContaining({ code: 'ADDRESS_BLOCKED' }));
    expect(() => at(path)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ rule }) as unknown }),
    );
  });

  test('is not behind a link, nor a link', () => {
    symlinkSync(root, join(directory, 'out'));
    symlinkSync(join(root, 'elsewhere'), join(directory, 'end'));
    for (const path of ['out/a.sock', 'out/sockets/a.sock', 'end']) {
      expect(() => at(path)).toThrow(
        expect.objectContaining({ details: expect.objectContaining({ rule: 'unix-symlink' }) as unknown }),
      );
    }
  });

  test('is nowhere as long as no directory is configured', () => {
    expect(() => unixEndpoint('a.sock', '', 'bind')).toThrow(/no directory/);
  });

  test('has a parent, no NUL, and a length that the kernel does not cut', () => {
    expect(() => at('none/a.sock')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => at('a\0b')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(at('a'.repeat(99 - directory.length)).path).toHaveLength(100);
    expect(() => at('a'.repeat(100 - directory.length))).toThrow(
      expect.objectContaining({ code: 'ENAMETOOLONG' }),
    );
  });
});

describe('the file of a Unix socket', () => {
  const files = (): UnixFiles => new UnixFiles({ directory, records });

  test('goes with its socket', () => {
    const ours = files();
    const end = ours.endpoint('a.sock', 'bind');
    const remove = ours.bind(stream(), end);
    expect(existsSync(end.path)).toBe(true);
    remove();
    expect(existsSync(end.path)).toBe(false);
    remove();
  });

  test('stays when another has taken its name meanwhile', () => {
    const ours = files();
    const end = ours.endpoint('a.sock', 'bind');
    const remove = ours.bind(stream(), end);
    renameSync(end.path, join(directory, 'moved'));
    bind(stream(), end);
    remove();
    expect(existsSync(end.path)).toBe(true);
  });

  test('makes room after a crash when it is ours and its socket is gone', () => {
    const end = files().endpoint('a.sock', 'bind');
    files().bind(stream(), end);
    closeAll();
    expect(existsSync(end.path)).toBe(true);
    const remove = files().bind(stream(), end);
    remove();
    expect(existsSync(end.path)).toBe(false);
  });

  test('keeps its place while a socket has it, in this process or another', () => {
    const ours = files();
    const end = ours.endpoint('a.sock', 'bind');
    const first = stream();
    ours.bind(first, end);
    listen(first, 1);
    for (const other of [ours, files()]) {
      expect(() => other.bind(stream(), end)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    }
  });

  test('is never removed when somebody else has made it', () => {
    const end = files().endpoint('a.sock', 'bind');
    bind(stream(), end);
    closeAll();
    expect(() => files().bind(stream(), end)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(existsSync(end.path)).toBe(true);
  });

  test('is not left behind when it cannot be noted', () => {
    writeFileSync(join(root, 'file'), '');
    const ours = new UnixFiles({ directory, records: join(root, 'file', 'records') });
    const end = ours.endpoint('a.sock', 'bind');
    expect(() => ours.bind(stream(), end)).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    expect(existsSync(end.path)).toBe(false);
  });
});
