import { VERIFY_CODES, type SocketErrorCode, type VerifyCode } from '../../sockets/index.js';

/** Every kind of problem there is: the end of its `type`, its status and its title (RFC 9457, 3.1). */
export const PROBLEM_TYPES = {
  'validation-failed': { status: 400, title: 'Validation failed' },
  'bad-request': { status: 400, title: 'Bad request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  'blocked-by-policy': { status: 403, title: 'Blocked by policy' },
  'permission-denied': { status: 403, title: 'Permission denied' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'Conflict' },
  'address-in-use': { status: 409, title: 'Address in use' },
  'address-not-available': { status: 409, title: 'Address not available' },
  'taken-over': { status: 409, title: 'Reader taken over' },
  gone: { status: 410, title: 'Gone' },
  'payload-too-large': { status: 413, title: 'Payload too large' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'not-supported': { status: 422, title: 'Not supported' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency key reused' },
  'quota-exceeded': { status: 429, title: 'Quota exceeded' },
  'internal-error': { status: 500, title: 'Internal error' },
  'connection-refused': { status: 502, title: 'Connection refused' },
  'connection-reset': { status: 502, title: 'Connection reset' },
  unreachable: { status: 502, title: 'Unreachable' },
  'tls-failed': { status: 502, title: 'TLS failed' },
  'name-not-resolved': { status: 502, title: 'Name not resolved' },
  'not-ready': { status: 503, title: 'Not ready' },
  'resource-exhausted': { status: 503, title: 'Resource exhausted' },
  'timed-out': { status: 504, title: 'Timed out' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemType = keyof typeof PROBLEM_TYPES;

const TLS_FAILED = 'tls-failed' as const satisfies ProblemType;

/** Which problem each error of the engine is. */
export const PROBLEM_OF_CODE: Readonly<Record<SocketErrorCode, ProblemType>> = {
  ...(Object.fromEntries(VERIFY_CODES.map((code) => [code, TLS_FAILED])) as Record<
    VerifyCode,
    typeof TLS_FAILED
  >),
  ADDRESS_BLOCKED: 'blocked-by-policy',
  LIMIT_REACHED: 'resource-exhausted',
  NAME_TAKEN: 'conflict',
  OFFSET_GONE: 'gone',
  OFFSET_OUT_OF_RANGE: 'validation-failed',
  OPTION_INVALID: 'validation-failed',
  PAYLOAD_INVALID: 'validation-failed',
  QUOTA_EXCEEDED: 'quota-exceeded',
  READER_ATTACHED: 'conflict',
  READER_NOT_FOUND: 'not-found',
  SOCKET_GONE: 'gone',
  SOCKET_NOT_FOUND: 'not-found',
  STOPPING: 'not-ready',
  SYSTEM_ERROR: 'internal-error',
  TLS_INVALID: 'validation-failed',
  EACCES: 'permission-denied',
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-not-available',
  EAFNOSUPPORT: 'not-supported',
  EAI_ADDRFAMILY: 'name-not-resolved',
  EAI_AGAIN: 'name-not-resolved',
  EAI_BADFLAGS: 'validation-failed',
  EAI_FAIL: 'name-not-resolved',
  EAI_FAMILY: 'not-supported',
  EAI_NODATA: 'name-not-resolved',
  EAI_NONAME: 'name-not-resolved',
  EAI_SERVICE: 'not-supported',
  EAI_SOCKTYPE: 'not-supported',
  EALREADY: 'conflict',
  EBADMSG: 'conflict',
  ECANCELED: 'conflict',
  ECONNABORTED: 'connection-reset',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EDESTADDRREQ: 'conflict',
  EDOM: 'validation-failed',
  EEXIST: 'conflict',
  EHOSTUNREACH: 'unreachable',
  EINVAL: 'validation-failed',
  EISCONN: 'conflict',
  ELOOP: 'permission-denied',
  EMFILE: 'resource-exhausted',
  EMSGSIZE: 'payload-too-large',
  ENAMETOOLONG: 'not-supported',
  ENETDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENFILE: 'resource-exhausted',
  ENOBUFS: 'resource-exhausted',
  ENODEV: 'address-not-available',
  ENOENT: 'unreachable',
  ENOMEM: 'resource-exhausted',
  ENOPROTOOPT: 'not-supported',
  ENOTCONN: 'conflict',
  ENOTDIR: 'unreachable',
  ENOTSOCK: 'conflict',
  EOPNOTSUPP: 'not-supported',
  EPERM: 'permission-denied',
  EPIPE: 'conflict',
  EPROTO: 'tls-failed',
  EPROTONOSUPPORT: 'not-supported',
  EPROTOTYPE: 'not-supported',
  EROFS: 'permission-denied',
  ESOCKTNOSUPPORT: 'not-supported',
  ETIMEDOUT: 'timed-out',
};

/** Where a call means something else by a code. */
export const PROBLEM_OF_CALL: Readonly<
  Record<string, Readonly<Partial<Record<SocketErrorCode, ProblemType>>> | undefined>
> = {
  // A name that the kernel does not know, or can't have.
  setsockopt: { ENOENT: 'not-supported', SYSTEM_ERROR: 'not-supported' },
  // There is no urgent data.
  recv: { EINVAL: 'conflict' },
};
