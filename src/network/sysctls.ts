import { readFile } from 'node:fs/promises';

/** What bounds sockets on this host, by the names of sysctl(8): socket(7), tcp(7), ip(7), udp(7). */
const NAMES = [
  'net.core.somaxconn',
  'net.core.netdev_max_backlog',
  'net.core.optmem_max',
  'net.core.rmem_default',
  'net.core.rmem_max',
  'net.core.wmem_default',
  'net.core.wmem_max',
  'net.ipv4.ip_default_ttl',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_available_congestion_control',
  'net.ipv4.tcp_congestion_control',
  'net.ipv4.tcp_fastopen',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_mem',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syn_retries',
  'net.ipv4.tcp_wmem',
  'net.ipv4.udp_mem',
  'net.ipv6.bindv6only',
  'net.unix.max_dgram_qlen',
] as const;

/** A number, several of them, or words, as the kernel writes it. */
export type SysctlValue = number | number[] | string;

/** Those that this kernel, or this network namespace, has. */
export async function sysctls(): Promise<Record<string, SysctlValue>> {
  const found = await Promise.all(NAMES.map(async (name) => [name, await read(name)] as const));
  return Object.fromEntries(
    found.filter((entry): entry is [(typeof entry)[0], SysctlValue] => entry[1] !== null),
  );
}

async function read(name: string): Promise<SysctlValue | null> {
  const text = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'latin1').catch(() => null);
  if (text === null) return null;
  const words = text.trim().split(/\s+/);
  if (!words.every((word) => /^-?\d+$/.test(word))) return text.trim();
  const [first = 0, ...more] = words.map(Number);
  return more.length === 0 ? first : [first, ...more];
}
