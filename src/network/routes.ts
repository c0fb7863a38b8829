import { readFile } from 'node:fs/promises';
import type { AddressFamily } from './address.js';
import { hostEndianness } from './byte-order.js';
import { textOf } from './address-text.js';

/** A way to everywhere that no narrower route leads to. */
export interface DefaultRoute {
  family: AddressFamily;
  /** Null: straight onto the link. */
  gateway: string | null;
  interface: string;
  /** Of several the lowest wins. */
  metric: number;
}

const RTF_UP = 0x1;
const RTF_REJECT = 0x200;

/** From proc_pid_net(5); empty where the kernel has no such file. */
export async function defaultRoutes(): Promise<DefaultRoute[]> {
  const [ipv4, ipv6] = await Promise.all([rows('/proc/net/route'), rows('/proc/net/ipv6_route')]);
  return [...ipv4.flatMap(ipv4Route), ...ipv6.flatMap(ipv6Route)];
}

async function rows(path: string): Promise<string[][]> {
  const text = await readFile(path, 'latin1').catch(() => '');
  return text.split('\n').map((line) => line.trim().split(/\s+/));
}

/** Iface Destination Gateway Flags RefCnt Use Metric Mask ...; addresses are words in the byte order of the host. */
function ipv4Route([
  iface = '',
  destination,
  gateway = '',
  flags = '',
  ,
  ,
  metric,
  mask,
]: string[]): DefaultRoute[] {
  if (destination !== '00000000' || mask !== '00000000' || !isUsable(parseInt(flags, 16))) return [];
  const inOrder = hostEndianness() === 'little' ? (gateway.match(/../g) ?? []).reverse().join('') : gateway;
  return [route('ipv4', inOrder, iface, Number(metric))];
}

/** destination prefix source prefix nexthop metric refcount use flags interface; all in hexadecimal. */
function ipv6Route(row: string[]): DefaultRoute[] {
  const [destination, prefix, , , gateway = '', metric = '', , , flags = '', iface = ''] = row;
  if (!/^0{32}$/.test(destination ?? '') || prefix !== '00' || !isUsable(parseInt(flags, 16))) return [];
  return [route('ipv6', gateway, iface, parseInt(metric, 16))];
}

function isUsable(flags: number): boolean {
  return (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0;
}

function route(family: AddressFamily, gateway: string, name: string, metric: number): DefaultRoute {
  const value = BigInt(`0x${gateway}`);
  return {
    family,
    gateway: value === 0n ? null : textOf({ family, value, zone: null }),
    interface: name,
    metric,
  };
}
