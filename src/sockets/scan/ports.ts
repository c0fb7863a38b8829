import { SocketError } from '../errors.js';

const ITEM = /^(\d{1,5})(?:-(\d{1,5}))?$/;
const MAX_PORT = 65_535;

/** `22,80,8000-8100` as the ports it names, each once, in ascending order. EINVAL for what is no list of ports. */
export function parsePorts(text: string): number[] {
  const chosen = new Uint8Array(MAX_PORT + 1);
  for (const item of text.split(',')) {
    const [, from, to = from] = ITEM.exec(item.trim()) ?? [];
    const [first, last] = [Number(from), Number(to)];
    // Of what does not match both are NaN, and no comparison holds.
    if (!(first >= 1 && first <= last && last <= MAX_PORT)) {
      throw new SocketError('EINVAL', `"${item.trim()}" is not a port or a range like 8000-8100`, {
        field: 'ports',
      });
    }
    chosen.fill(1, first, last + 1);
  }
  return [...chosen.keys()].filter((port) => chosen[port] === 1);
}
