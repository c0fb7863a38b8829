import koffi from 'koffi';

/**
 * The socket calls of the C library, as they are: numbers in, a number out, -1 with `errno()` for an
 * error. Memory is passed as a Buffer, which C sees in place. For Linux on 64 bits; syscalls.ts has
 * the same with types and errors, and is what everybody else calls.
 */
const lib = koffi.load(null);

type Call<Arguments extends readonly unknown[]> = (...args: Arguments) => number;

function call<Arguments extends readonly unknown[]>(prototype: string): Call<Arguments> {
  return lib.func(prototype) as Call<Arguments>;
}

export const libc = {
  socket: call<[number, number, number]>('int socket(int, int, int)'),
  bind: call<[number, Uint8Array, number]>('int bind(int, const uint8_t*, uint32_t)'),
  connect: call<[number, Uint8Array, number]>('int connect(int, const uint8_t*, uint32_t)'),
  listen: call<[number, number]>('int listen(int, int)'),
  accept4: call<[number, null, null, number]>('int accept4(int, void*, void*, int)'),
  shutdown: call<[number, number]>('int shutdown(int, int)'),
  close: call<[number]>('int close(int)'),
  getsockname: call<[number, Uint8Array, Uint8Array]>('int getsockname(int, uint8_t*, uint8_t*)'),
  getpeername: call<[number, Uint8Array, Uint8Array]>('int getpeername(int, uint8_t*, uint8_t*)'),
  getsockopt: call<[number, number, number, Uint8Array, Uint8Array]>(
    'int getsockopt(int, int, int, uint8_t*, uint8_t*)',
  ),
  setsockopt: call<[number, number, number, Uint8Array, number]>(
    'int setsockopt(int, int, int, const uint8_t*, uint32_t)',
  ),
  send: call<[number, Uint8Array, number, number]>('intptr_t send(int, const uint8_t*, size_t, int)'),
  sendto: call<[number, Uint8Array, number, number, Uint8Array, number]>(
    'intptr_t sendto(int, const uint8_t*, size_t, int, const uint8_t*, uint32_t)',
  ),
  recv: call<[number, Uint8Array, number, number]>('intptr_t recv(int, uint8_t*, size_t, int)'),
  recvmmsg: call<[number, Uint8Array, number, number, null]>(
    'int recvmmsg(int, uint8_t*, uint32_t, int, void*)',
  ),
  clock_gettime: call<[number, Uint8Array]>('int clock_gettime(int, uint8_t*)'),
  if_nametoindex: call<[string]>('uint32_t if_nametoindex(const char*)'),
  if_indextoname: call<[number, Uint8Array]>('uintptr_t if_indextoname(uint32_t, uint8_t*)'),
} as const;

const malloc = lib.func('void *malloc(size_t)') as (bytes: number) => bigint;

/** The same bytes for C and for us. */
export interface LastingMemory {
  address: bigint;
  memory: Buffer;
  /** For numbers: a Buffer's methods check more, and take some twenty times as long. */
  view: DataView;
}

/**
 * Memory whose address is known, for structures that point at each other, all zeros. It stays for as
 * long as the process does. (The address of a Buffer of Node's own is not to be had.)
 */
export function lastingMemory(bytes: number): LastingMemory {
  const address = malloc(bytes);
  const memory = Buffer.from(koffi.view(address, bytes)).fill(0);
  return { address, memory, view: new DataView(memory.buffer, memory.byteOffset, bytes) };
}

const CLOCK_REALTIME = 0;
const timespec = Buffer.alloc(16);

/** The clock that the kernel stamps datagrams by: microseconds since 1970. */
export function realtimeMicros(): number {
  libc.clock_gettime(CLOCK_REALTIME, timespec);
  const seconds = timespec.readUInt32LE(0) + timespec.readUInt32LE(4) * 2 ** 32;
  return seconds * 1e6 + Math.floor(timespec.readUInt32LE(8) / 1000);
}

/** errno(3) of the call before, on this thread: ask at once. */
export function errno(): number {
  return koffi.errno();
}
