import koffi from 'koffi';

/** The network interfaces as the kernel tells them, getifaddrs(3) and netdevice(7). These calls do not wait. */
const lib = koffi.load(null);

const getifaddrs = lib.func('int getifaddrs(_Out_ void **)');
const freeifaddrs = lib.func('void freeifaddrs(void *)');
const socket = lib.func('int socket(int, int, int)');
const ioctl = lib.func('int ioctl(int, unsigned long, uint8_t *)');
const close = lib.func('int close(int)');
const if_nametoindex = lib.func('unsigned int if_nametoindex(const char *)');

const ifaddrs = koffi.struct({
  next: 'void *',
  name: 'char *',
  flags: 'unsigned int',
  address: 'void *',
  netmask: 'void *',
  /** The broadcast address, or the other end of a point-to-point link. */
  peer: 'void *',
  data: 'void *',
});

/** One address of one interface, or none; those of the link layer are hardware addresses. */
export interface InterfaceEntry {
  name: string;
  flags: number;
  address: Sockaddr | null;
  netmask: Sockaddr | null;
  peer: Sockaddr | null;
}

export interface Sockaddr {
  family: 'ipv4' | 'ipv6' | 'link';
  bytes: Uint8Array;
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;

/** Every address of every interface, up or down. */
export function interfaceEntries(): InterfaceEntry[] {
  const head: unknown[] = [null];
  if (getifaddrs(head) !== 0) return [];
  const entries: InterfaceEntry[] = [];
  try {
    for (let at = head[0]; at !== null;) {
      const raw = koffi.decode(at, ifaddrs) as Raw;
      entries.push({
        name: raw.name,
        flags: raw.flags,
        address: sockaddrAt(raw.address),
        netmask: sockaddrAt(raw.netmask),
        peer: sockaddrAt(raw.peer),
      });
      at = raw.next;
    }
  } finally {
    freeifaddrs(head[0]);
  }
  return entries;
}

interface Raw {
  next: unknown;
  name: string;
  flags: number;
  address: unknown;
  netmask: unknown;
  peer: unknown;
}

/** sockaddr_in, sockaddr_in6 and sockaddr_ll; of other families, null. */
function sockaddrAt(pointer: unknown): Sockaddr | null {
  if (pointer === null) return null;
  const bytesAt = (offset: number, length: number): Uint8Array =>
    length === 0
      ? new Uint8Array()
      : Uint8Array.from(koffi.decode(pointer, offset, 'uint8_t', length) as Uint8Array);
  switch (koffi.decode(pointer, 'uint16_t')) {
    case AF_INET:
      return { family: 'ipv4', bytes: bytesAt(4, 4) };
    case AF_INET6:
      return { family: 'ipv6', bytes: bytesAt(8, 16) };
    case AF_PACKET:
      return { family: 'link', bytes: bytesAt(12, bytesAt(11, 1)[0] ?? 0) };
    default:
      return null;
  }
}

const SIOCGIFMTU = 0x8921;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;

/** Numbers of an interface; null for one that has just gone. */
export function linkNumbers(name: string): { index: number; mtuBytes: number | null } | null {
  const index = if_nametoindex(name) as number;
  return index === 0 ? null : { index, mtuBytes: mtuOf(name) };
}

function mtuOf(name: string): number | null {
  // Any socket will do to ask through, and this one needs no network.
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0) as number;
  const ifreq = Buffer.alloc(IFREQ_BYTES);
  ifreq.write(name, 0, IFNAMSIZ - 1, 'latin1');
  const mtu = ioctl(fd, SIOCGIFMTU, ifreq) === 0 ? ifreq.readInt32LE(IFNAMSIZ) : null;
  close(fd);
  return mtu;
}
