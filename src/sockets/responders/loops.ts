import { networkInterfaces } from 'node:os';
import { addressBytes, type Endpoint } from '../endpoint.js';
import { isLoopback } from '../policy.js';

/** Ports of services that answer whatever comes, RFC 862 and 864 to 868: echo, daytime, qotd, chargen, time. */
const ANSWERING_PORTS: readonly number[] = [7, 13, 17, 19, 37];

/** Whether an answer to `sender` would be answered in its turn, and so on for ever: by such a service, or one of `own`. */
export function wouldLoop(sender: Endpoint, own: Iterable<Endpoint>): boolean {
  if (sender.family !== 'unix' && ANSWERING_PORTS.includes(sender.port)) return true;
  for (const local of own) if (reaches(sender, local)) return true;
  return false;
}

/** A socket of this host that is bound to `local` can have `end` as its address. */
function reaches(end: Endpoint, local: Endpoint): boolean {
  if (end.family === 'unix' || local.family === 'unix')
    return end.family === 'unix' && local.family === 'unix' && end.path === local.path;
  if (end.port !== local.port) return false;
  return isSame(end.address, local.address) || isLoopback(end.address) || isOfThisHost(end.address);
}

function isOfThisHost(address: string): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.some((own) => isSame(own.address, address));
}

/** An IPv4 address is the same in its mapped form. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [bytesOf(one), bytesOf(other)];
  return a !== null && b !== null && Buffer.compare(a, b) === 0;
}

function bytesOf(address: string): Uint8Array | null {
  return addressBytes(address.replace(/%.*$/, ''));
}
