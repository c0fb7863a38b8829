import koffi from 'koffi';

/** gethostbyname(3). It can wait for a name server, so it runs on a thread beside the event loop. */
const lib = koffi.load(null);

const gethostbyname_r = lib.func(
  'int gethostbyname_r(const char *, void *, void *, size_t, _Out_ void **, _Out_ int *)',
);

const hostent = koffi.struct({
  name: 'char *',
  aliases: 'char **',
  family: 'int',
  length: 'int',
  addresses: 'void **',
});

/** The IPv4 entry of a name, as gethostbyname_ex of other languages answers it. */
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

/** The entry, or h_errno of netdb.h. */
export function gethostbyname(name: string): Promise<HostEntry | number> {
  // The answer is pointers into this memory: it stays where it is until they have been followed.
  const entry: unknown = koffi.alloc('uint8_t', HOSTENT_BYTES);
  const memory: unknown = koffi.alloc('uint8_t', MEMORY_BYTES);
  const found: unknown[] = [null];
  const failure = [0];
  return new Promise((resolve, reject) => {
    gethostbyname_r.async(name, entry, memory, MEMORY_BYTES, found, failure, (error: Error | null) => {
      try {
        if (error !== null) reject(error);
        else resolve(found[0] === null ? (failure[0] ?? 0) : entryAt(found[0]));
      } finally {
        koffi.free(entry);
        koffi.free(memory);
      }
    });
  });
}

function entryAt(pointer: unknown): HostEntry {
  const raw = koffi.decode(pointer, hostent) as { name: string; aliases: unknown; addresses: unknown };
  return {
    name: raw.name,
    aliases: listAt(raw.aliases, 'char *') as string[],
    addresses: listAt(raw.addresses, 'void *').map((at) =>
      [...(koffi.decode(at, 'uint8_t', 4) as Uint8Array)].join('.'),
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
