import { getsockopt, setsockopt } from '../native/syscalls.js';
import { optionNamed } from './catalogue.js';
import { LINGER, type Linger } from './value-types.js';

const { level, number } = optionNamed('SO_LINGER', 'getsockopt');

/** SO_LINGER with 0 seconds: close(2) sends a reset, and throws away what was not sent. */
export function closesWithReset(fd: number): boolean {
  const { onoff, seconds } = lingerOf(fd);
  return onoff && seconds === 0;
}

/** Makes close(2) return at once. The reset of 0 seconds stays. */
export function takeOffLinger(fd: number): void {
  const { onoff, seconds } = lingerOf(fd);
  if (onoff && seconds > 0) setsockopt(fd, level.number, number, Buffer.alloc(LINGER.bytes));
}

function lingerOf(fd: number): Linger {
  const bytes = getsockopt(fd, level.number, number, LINGER.bytes);
  return { onoff: bytes.readInt32LE(0) !== 0, seconds: bytes.readInt32LE(4) };
}
