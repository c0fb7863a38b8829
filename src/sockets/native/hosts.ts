import koffi from 'koffi';
import { AF, addressText } from './sockaddr.js';

/** gethostbyname(3) and its sisters. They can wait for a name server, so they run on a thread beside the event loop. */
const lib = koffi.load(null);

const gethostbyname_r = lib.func(
  'int gethostbyname_r(const char *, void *, void *, size_t, _Out_ void **, _Out_ int *)',
);

const gethostbyaddr_r = lib.func(
  'int gethostbyaddr_r(const uint8_t *, uint32_t, int, void *, void *, size_t, _Out_ void **, _Out_ int *)',
);
const getnameinfo_call = lib.func(
  'int getnameinfo(const uint8_t *, uint32_t, void *, uint32_t, void *, uint32_t, int)',
);

const hostent = koffi.struct({
  name: 'char *',
  aliases: 'char **',
  family: 'int',
  length: 'int',
  addresses: 'void **',
});

/** An entry of the table of hosts: gethostbyname_ex and gethostbyaddr of other languages. */
export interface HostEntry {
  /** The canonical name. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
}

const HOSTENT_BYTES = 32;
const POINTER_BYTES = 8;
/** Enough for several hundred addresses. */
const MEMORY_BYTES = 32 * 1024;

/** The IPv4 entry of a name, or h_errno of netdb.h. */
export function gethostbyname(name: string): Promise<HostEntry | number> {
  return entry((...memory) => [gethostbyname_r, name, ...memory]);
}

/** The entry of an address of 4 or 16 bytes, or h_errno of netdb.h. */
export function gethostbyaddr(address: Uint8Array): Promise<HostEntry | number> {
  const family = address.length === 4 ? AF.ipv4 : AF.ipv6;
  return entry((...memory) => [gethostbyaddr_r, [...address], address.length, family, ...memory]);
}

type Native = ReturnType<typeof lib.func>;
type Memory = [entry: unknown, memory: unknown, bytes: number, found: unknown[], failure: number[]];

function entry(call: (...memory: Memory) => [Native, ...unknown[]]): Promise<HostEntry | number> {
  // The answer is pointers into this memory: it stays where it is until they have been followed.
  const hostent: unknown = koffi.alloc('uint8_t', HOSTENT_BYTES);
  const memory: unknown = koffi.alloc('uint8_t', MEMORY_BYTES);
  const found: unknown[] = [null];
  const failure = [0];
  const [native, ...rest] = call(hostent, memory, MEMORY_BYTES, found, failure);
  return onThread(native, rest, [hostent, memory], () =>
    found[0] === null ? (failure[0] ?? 0) : entryAt(found[0]),
  );
}

/** What getnameinfo(3) calls the two halves of an end. */
export interface NameInfo {
  readonly host: string;
  readonly service: string;
}

/** NI_MAXHOST and NI_MAXSERV of netdb.h. */
const MAX_HOST_BYTES = 1025;
const MAX_SERVICE_BYTES = 32;

/** The names of an encoded sockaddr, or an error of gai_strerror(3). */
export function getnameinfo(sockaddr: Uint8Array, flags: number): Promise<NameInfo | number> {
  const host: unknown = koffi.alloc('char', MAX_HOST_BYTES);
  const service: unknown = koffi.alloc('char', MAX_SERVICE_BYTES);
  const address = [[...sockaddr], sockaddr.length];
  const names = [host, MAX_HOST_BYTES, service, MAX_SERVICE_BYTES];
  return onThread(getnameinfo_call, [...address, ...names, flags], [host, service], (error) => {
    if (error !== 0) return error;
    const text = (at: unknown, bytes: number): string => koffi.decode(at, 'char', bytes) as string;
    return { host: text(host, MAX_HOST_BYTES), service: text(service, MAX_SERVICE_BYTES) };
  });
}

/** `read` looks at the outcome while `memory` is still there. */
function onThread<T>(
  call: Native,
  args: readonly unknown[],
  memory: readonly unknown[],
  read: (result: number) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: number) => {
      try {
        if (error === null) resolve(read(result));
        else reject(error);
      } finally {
        memory.forEach((block) => koffi.free(block));
      }
    });
  });
}

interface RawEntry {
  name: string;
  aliases: unknown;
  length: number;
  addresses: unknown;
}

function entryAt(pointer: unknown): HostEntry {
  const raw = koffi.decode(pointer, hostent) as RawEntry;
  return {
    name: raw.name,
    aliases: listAt(raw.aliases, 'char *') as string[],
    addresses: listAt(raw.addresses, 'void *').map((at) =>
      addressText(Buffer.from(koffi.decode(at, 'uint8_t', raw.length) as Uint8Array)),
    ),
  };
}

/** A list that ends with a null pointer. */
function listAt(list: unknown, type: 'char *' | 'void *'): unknown[] {
  const items: unknown[] = [];
  for (let i = 0; ; i += 1) {
    const item: unknown = koffi.decode(list, i * POINTER_BYTES, type);
    if (item === null) return items;
    items.push(item);
  }
}
