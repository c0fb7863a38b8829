import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** MAXNS of resolv.h: the C library looks at no more. */
const MAX_SERVERS = 3;

/** The name servers of this host, resolv.conf(5), in their order. Without any, the one on the host itself. */
export async function systemServers(path = '/etc/resolv.conf'): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const found = [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)]
    .map(([, address = '']) => address)
    // What is none is passed over, as the C library does.
    .filter((address) => isIP(address) !== 0);
  return found.length === 0 ? ['127.0.0.1'] : found.slice(0, MAX_SERVERS);
}
