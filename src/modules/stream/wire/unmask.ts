import bufferUtil from 'bufferutil';

/** Below this a call into native code costs more than the loop. */
const WORTH_A_CALL_BYTES = 128;

/**
 * Takes the mask off `bytes` of `data` from `from` on (RFC 6455, 5.3), and moves them to `to`, which is
 * not behind `from`. `mask` begins with the byte for the first of them.
 */
export function unmask(data: Buffer, from: number, to: number, bytes: number, mask: Buffer): void {
  if (bytes >= WORTH_A_CALL_BYTES) {
    bufferUtil.unmask(data.subarray(from, from + bytes), mask);
    if (to !== from) data.copyWithin(to, from, from + bytes);
    return;
  }
  const [m0 = 0, m1 = 0, m2 = 0, m3 = 0] = mask;
  let read = from;
  let write = to;
  for (const end = from + bytes - 3; read < end; read += 4, write += 4) {
    data[write] = (data[read] as number) ^ m0;
    data[write + 1] = (data[read + 1] as number) ^ m1;
    data[write + 2] = (data[read + 2] as number) ^ m2;
    data[write + 3] = (data[read + 3] as number) ^ m3;
  }
  const left = from + bytes - read;
  if (left > 0) data[write] = (data[read] as number) ^ m0;
  if (left > 1) data[write + 1] = (data[read + 1] as number) ^ m1;
  if (left > 2) data[write + 2] = (data[read + 2] as number) ^ m2;
}
