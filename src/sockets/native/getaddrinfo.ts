import koffi from 'koffi';
import { SocketError } from '../errors.js';
import { Watch } from './watch.js';

/**
 * getaddrinfo(3), on a thread of the C library's own: getaddrinfo_a(3). A name server that does not answer holds
 * such a thread for half a minute, and those of Node, which read files too, are four.
 */
const lib = koffi.load(null);

type Native = ReturnType<typeof lib.func>;

/** Of glibc alone; before 2.34 in a library of its own. null: another C library, as musl. */
function asynchronous(): { getaddrinfo_a: Native; gai_error: Native } | null {
  for (const name of [null, 'libanl.so.1']) {
    try {
      const from = koffi.load(name);
      return {
        getaddrinfo_a: from.func('int getaddrinfo_a(int, void *, int, void *)'),
        gai_error: from.func('int gai_error(void *)'),
      };
    } catch {
      // Not there: the next one, or none.
    }
  }
  return null;
}

const resolver = asynchronous();

const libc = {
  freeaddrinfo: lib.func('void freeaddrinfo(void *)'),
  pipe2: lib.func('int pipe2(_Out_ int *, int)'),
  close: lib.func('int close(int)'),
  dlsym: lib.func('void *dlsym(void *, const char *)'),
  malloc: lib.func('void *malloc(size_t)'),
  free: lib.func('void free(void *)'),
} as const;

/** What to ask: hints in the numbers of netdb.h and sys/socket.h. */
export interface AddressQuestion {
  readonly host: string | null;
  readonly service: string | null;
  readonly flags: number;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
}

/** One struct addrinfo. */
export interface AddressEntry {
  readonly type: number;
  readonly protocol: number;
  readonly canonicalName: string | null;
  readonly sockaddr: Buffer;
}

const GAI_NOWAIT = 1;
const SIGEV_THREAD = 2;
const O_NONBLOCK_CLOEXEC = 0o2004000;

/** The memory of one question: a list of one pointer, struct gaicb, struct sigevent, struct addrinfo, two texts. */
const LIST_AT = 0;
const GAICB_AT = 8;
const SIGEVENT_AT = GAICB_AT + 56;
const HINTS_AT = SIGEVENT_AT + 64;
const TEXTS_AT = HINTS_AT + 48;
const RESULT_AT = GAICB_AT + 24;

/**
 * The entries, or an error of gai_strerror(3). Ends when the C library does: the caller need not wait that long.
 * Throws EOPNOTSUPP where the C library cannot be asked in this way.
 */
export async function getaddrinfo(question: AddressQuestion): Promise<AddressEntry[] | number> {
  if (resolver === null)
    throw new SocketError('EOPNOTSUPP', 'the C library of this host has no getaddrinfo_a', {
      syscall: 'getaddrinfo',
    });
  const [answered = -1, answering = -1] = pipe();
  const { address, memory } = questionMemory(question, answering);
  try {
    const refused = resolver.getaddrinfo_a(GAI_NOWAIT, address, 1, address + BigInt(SIGEVENT_AT)) as number;
    if (refused !== 0) {
      libc.close(answering);
      return refused;
    }
    await ended(answered);
    const error = resolver.gai_error(address + BigInt(GAICB_AT)) as number;
    return error === 0 ? entriesAt(memory.readBigUInt64LE(RESULT_AT)) : error;
  } finally {
    libc.close(answered);
    libc.free(address);
  }
}

/** pipe2(2): the end to read, the end to write. */
function pipe(): number[] {
  const fds = [-1, -1];
  if (libc.pipe2(fds, O_NONBLOCK_CLOEXEC) < 0) throw SocketError.fromErrno(koffi.errno(), 'pipe2');
  return fds;
}

/**
 * With the answer there, the C library runs a function of one argument: close(2), of one end of a pipe. Nothing of
 * ours runs on a foreign thread, and none is waited for when the process ends.
 */
function questionMemory(
  { host, service, flags, family, type, protocol }: AddressQuestion,
  answering: number,
): { address: bigint; memory: Buffer } {
  const texts = [host, service].map((text) => (text === null ? null : Buffer.from(`${text}\0`)));
  const bytes = TEXTS_AT + texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  const address = libc.malloc(bytes) as bigint;
  const memory = Buffer.from(koffi.view(address, bytes)).fill(0);
  const point = (at: number, to: number): void => void memory.writeBigUInt64LE(address + BigInt(to), at);
  point(LIST_AT, GAICB_AT);
  let textAt = TEXTS_AT;
  texts.forEach((text, index) => {
    if (text === null) return;
    point(GAICB_AT + index * 8, textAt);
    text.copy(memory, textAt);
    textAt += text.length;
  });
  point(GAICB_AT + 16, HINTS_AT);
  [flags, family, type, protocol].forEach((value, index) => memory.writeInt32LE(value, HINTS_AT + index * 4));
  memory.writeInt32LE(answering, SIGEVENT_AT);
  memory.writeInt32LE(SIGEV_THREAD, SIGEVENT_AT + 12);
  memory.writeBigUInt64LE(libc.dlsym(null, 'close') as bigint, SIGEVENT_AT + 16);
  return { address, memory };
}

/** The other end of the pipe was closed. */
function ended(fd: number): Promise<void> {
  return new Promise((resolve) => {
    const watch = new Watch(fd, () => {
      watch.close();
      resolve();
    });
    watch.want({ readable: true, writable: false });
  });
}

const addrinfo = koffi.struct({
  flags: 'int',
  family: 'int',
  type: 'int',
  protocol: 'int',
  length: 'uint32_t',
  address: 'void *',
  canonicalName: 'char *',
  next: 'void *',
});

interface RawEntry extends AddressEntry {
  length: number;
  address: unknown;
  next: unknown;
}

/** The list, which is given back. */
function entriesAt(list: bigint): AddressEntry[] {
  const entries: AddressEntry[] = [];
  for (let at: unknown = list; at !== null;) {
    const { type, protocol, canonicalName, length, address, next } = koffi.decode(at, addrinfo) as RawEntry;
    const sockaddr = Buffer.from(koffi.decode(address, 'uint8_t', length) as Uint8Array);
    entries.push({ type, protocol, canonicalName, sockaddr });
    at = next;
  }
  libc.freeaddrinfo(list);
  return entries;
}
