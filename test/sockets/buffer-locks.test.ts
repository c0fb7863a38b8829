import { SocketError } from '../../src/sockets/errors.js';
import type * as Syscalls from '../../src/sockets/native/syscalls.js';
import { close, getsockopt, socket, SOL_SOCKET } from '../../src/sockets/native/syscalls.js';
import { optionSettings } from '../../src/sockets/options/setting.js';
import { changeOptions } from '../../src/sockets/options/socket-options.js';
import type { ManagedSocket } from '../../src/sockets/socket.js';

const SO_RCVBUF = 8;
const SO_BUF_LOCK = 72;

/** What Linux before 5.14 answers for SO_BUF_LOCK. */
let mockIsOld = false;
jest.mock('../../src/sockets/native/syscalls.js', () => {
  const real = jest.requireActual<typeof Syscalls>('../../src/sockets/native/syscalls.js');
  return {
    ...real,
    getsockopt: (fd: number, level: number, option: number, bytes?: number): Buffer => {
      if (mockIsOld && option === SO_BUF_LOCK) throw SocketError.fromErrno(92, 'getsockopt');
      return real.getsockopt(fd, level, option, bytes);
    },
  };
});

let fd: number;
beforeEach(() => (fd = socket('ipv4', 'stream')));
afterEach(() => {
  mockIsOld = false;
  close(fd);
});

const read = (option: number): number => getsockopt(fd, SOL_SOCKET, option).readInt32LE(0);
const change = (values: object) =>
  changeOptions({ fileno: fd } as ManagedSocket, optionSettings(values as Record<string, unknown>));
const REFUSED = { SO_RCVBUF: 9999, IP_TTL: 300 };

test('a buffer that gets its size back adapts it again, as it did', () => {
  const before = read(SO_RCVBUF);
  expect(() => change(REFUSED)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  expect([read(SO_RCVBUF), read(SO_BUF_LOCK)]).toEqual([before, 0]);
});

test('where the kernel does not know of such locks, sizes are set, and set back, all the same', () => {
  mockIsOld = true;
  const before = read(SO_RCVBUF);
  expect(change({ SO_RCVBUF: 8192 })[0]?.value).toBe(16_384);
  expect(change({ SO_RCVBUF: before / 2 })[0]?.value).toBe(before);
  expect(() => change(REFUSED)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  expect(read(SO_RCVBUF)).toBe(before);
});
