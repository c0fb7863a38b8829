import { endianness } from 'node:os';
import koffi from 'koffi';

/**
 * The tables of services and protocols as the C library answers them, getservent(3) and getprotoent(3): files, or
 * whatever nsswitch.conf(5) says. The calls answer memory of their own that the next call writes again, and a table
 * can be far away: each runs on a thread beside the event loop, one after the other, and is copied at once.
 */
const lib = koffi.load(null);

/** An entry of either table. `number` is a port, in host order, or the number of a protocol. */
export interface NetdbEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly number: number;
  /** Of a service only. */
  readonly protocol?: string;
}

const servent = koffi.struct({ name: 'char *', aliases: 'char **', number: 'int', protocol: 'char *' });
const protoent = koffi.struct({ name: 'char *', aliases: 'char **', number: 'int' });

type Native = ReturnType<typeof lib.func>;

const netdb = {
  getservbyname: lib.func('void *getservbyname(const char *, const char *)'),
  getservbyport: lib.func('void *getservbyport(int, const char *)'),
  setservent: lib.func('void setservent(int)'),
  getservent: lib.func('void *getservent()'),
  endservent: lib.func('void endservent()'),
  getprotobyname: lib.func('void *getprotobyname(const char *)'),
  getprotobynumber: lib.func('void *getprotobynumber(int)'),
  setprotoent: lib.func('void setprotoent(int)'),
  getprotoent: lib.func('void *getprotoent()'),
  endprotoent: lib.func('void endprotoent()'),
} as const;

/** getservbyname(3); `protocol` null: the first one of that name. */
export function serviceByName(name: string, protocol: string | null): Promise<NetdbEntry | null> {
  return inTurn(async () => serviceAt(await onThread(netdb.getservbyname, name, protocol)));
}

/** getservbyport(3); `protocol` null: the first one of that port. */
export function serviceByPort(port: number, protocol: string | null): Promise<NetdbEntry | null> {
  return inTurn(async () => serviceAt(await onThread(netdb.getservbyport, swapped(port), protocol)));
}

/** getservent(3) to the end. */
export function allServices(): Promise<NetdbEntry[]> {
  return inTurn(() => all(netdb.setservent, netdb.getservent, netdb.endservent, serviceAt));
}

/** getprotobyname(3). */
export function protocolByName(name: string): Promise<NetdbEntry | null> {
  return inTurn(async () => protocolAt(await onThread(netdb.getprotobyname, name)));
}

/** getprotobynumber(3). */
export function protocolByNumber(number: number): Promise<NetdbEntry | null> {
  return inTurn(async () => protocolAt(await onThread(netdb.getprotobynumber, number)));
}

/** getprotoent(3) to the end. */
export function allProtocols(): Promise<NetdbEntry[]> {
  return inTurn(() => all(netdb.setprotoent, netdb.getprotoent, netdb.endprotoent, protocolAt));
}

/** Done when the call before is, whatever became of it. */
let last: Promise<unknown> = Promise.resolve();

/** One call at a time: the next one writes the memory of the answer. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work);
  last = mine.catch(() => undefined);
  return mine;
}

function onThread(call: Native, ...args: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: unknown) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

async function all(
  open: Native,
  next: Native,
  close: Native,
  read: (pointer: unknown) => NetdbEntry | null,
): Promise<NetdbEntry[]> {
  const found: NetdbEntry[] = [];
  await onThread(open, 1);
  try {
    for (;;) {
      const entry = read(await onThread(next));
      if (entry === null) return found;
      found.push(entry);
    }
  } finally {
    await onThread(close);
  }
}

function serviceAt(pointer: unknown): NetdbEntry | null {
  if (pointer === null) return null;
  const { name, aliases, number, protocol } = koffi.decode(pointer, servent) as Raw & { protocol: string };
  return { name, aliases: textsAt(aliases), number: swapped(number), protocol };
}

function protocolAt(pointer: unknown): NetdbEntry | null {
  if (pointer === null) return null;
  const { name, aliases, number } = koffi.decode(pointer, protoent) as Raw;
  return { name, aliases: textsAt(aliases), number };
}

interface Raw {
  name: string;
  aliases: unknown;
  number: number;
}

/** A list that ends with a null pointer. */
function textsAt(list: unknown): string[] {
  const texts: string[] = [];
  for (let i = 0; ; i += 1) {
    const text = koffi.decode(list, i * POINTER_BYTES, 'char *') as string | null;
    if (text === null) return texts;
    texts.push(text);
  }
}

const POINTER_BYTES = 8;

/** htons(3) and ntohs(3): ports stand in network order in an int. */
function swapped(port: number): number {
  return endianness() === 'BE' ? port : ((port & 0xff) << 8) | ((port >> 8) & 0xff);
}
