import { constants } from 'node:os';
import { errorFields, type Endpoint } from './endpoint.js';

/** Codes of the kernel and the resolver that a caller can act on. errno(3), gai_strerror(3). */
const SYSTEM_CODES = [
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAI_ADDRFAMILY',
  'EAI_AGAIN',
  'EAI_BADFLAGS',
  'EAI_FAIL',
  'EAI_FAMILY',
  'EAI_NODATA',
  'EAI_NONAME',
  'EAI_SERVICE',
  'EAI_SOCKTYPE',
  'EALREADY',
  'EBADMSG',
  'ECANCELED',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EDESTADDRREQ',
  'EDOM',
  'EEXIST',
  'EHOSTUNREACH',
  'EINVAL',
  'EISCONN',
  'ELOOP',
  'EMFILE',
  'EMSGSIZE',
  'ENAMETOOLONG',
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOENT',
  'ENOMEM',
  'ENOPROTOOPT',
  'ENOTCONN',
  'ENOTDIR',
  'ENOTSOCK',
  'EOPNOTSUPP',
  'EPERM',
  'EPIPE',
  'EPROTO',
  'EPROTONOSUPPORT',
  'EPROTOTYPE',
  'EROFS',
  'ESOCKTNOSUPPORT',
  'ETIMEDOUT',
] as const;

/**
 * Why the other side of a TLS handshake could not be verified: OpenSSL's names, as Node has them
 * (https://nodejs.org/api/tls.html#x509-certificate-error-codes), and its own for a name that is not
 * in the certificate.
 */
export const VERIFY_CODES = [
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'OUT_OF_MEM',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNSPECIFIED',
] as const;

export type VerifyCode = (typeof VERIFY_CODES)[number];

/** Conditions of the engine's own. */
type EngineCode =
  | 'ADDRESS_BLOCKED'
  | 'KISS_OF_DEATH'
  | 'LIMIT_REACHED'
  | 'NAME_TAKEN'
  | 'NOT_SYNCHRONIZED'
  | 'OFFSET_GONE'
  | 'OFFSET_OUT_OF_RANGE'
  | 'OPTION_INVALID'
  | 'PAYLOAD_INVALID'
  | 'QUOTA_EXCEEDED'
  | 'READER_ATTACHED'
  | 'READER_NOT_FOUND'
  | 'SCAN_GONE'
  | 'SCAN_NOT_FOUND'
  | 'RESPONDER_FAILED'
  | 'RESPONDER_INVALID'
  | 'RESPONDER_NOT_FOUND'
  | 'SOCKET_GONE'
  | 'SOCKET_NOT_FOUND'
  | 'STOPPING'
  | 'SYSTEM_ERROR'
  | 'TLS_INVALID';

export type SocketErrorCode = (typeof SYSTEM_CODES)[number] | VerifyCode | EngineCode;

/** One address that was tried, and what came of it. */
export interface Attempt {
  address: string | null;
  port: number | null;
  code: SocketErrorCode;
  errno: number | null;
  syscall: string | null;
  durationMs: number;
}

export interface SocketErrorDetails {
  /** Positive number of errno.h, or the negative one of the resolver (netdb.h). */
  errno?: number | undefined;
  syscall?: string | undefined;
  address?: string | undefined;
  port?: number | undefined;
  /** ADDRESS_BLOCKED: the rule of the policy that decided. */
  rule?: string | undefined;
  /** OFFSET_GONE: the bytes that are not there any more, `to` exclusive. */
  gap?: { from: number; to: number } | undefined;
  /** KISS_OF_DEATH: why an NTP server does not answer, in four letters (RFC 5905, 7.4). */
  kissCode?: string | undefined;
  /** A send that ended early: how many bytes the stream took. */
  bytesSent?: number | undefined;
  /** OFFSET_OUT_OF_RANGE, OPTION_INVALID, PAYLOAD_INVALID, TLS_INVALID, EINVAL: the field that was wrong. */
  field?: string | undefined;
  /** RESPONDER_INVALID: every place that is wrong, by JSON pointer into what was asked for. */
  errors?: { pointer: string; detail: string }[] | undefined;
  /** A connect that failed: every address that was tried, in the order of their failing. */
  attempts?: Attempt[] | undefined;
  cause?: unknown;
}

const RESOLVER_ERRNO: Partial<Record<SocketErrorCode, number>> = {
  EAI_BADFLAGS: -1,
  EAI_NONAME: -2,
  EAI_AGAIN: -3,
  EAI_FAIL: -4,
  EAI_NODATA: -5,
  EAI_FAMILY: -6,
  EAI_SOCKTYPE: -7,
  EAI_SERVICE: -8,
  EAI_ADDRFAMILY: -9,
};

/** Names that Node gives to answers of the resolver (ENOTFOUND stands for NONAME and NODATA). */
const NODE_ALIASES: Readonly<Record<string, SocketErrorCode | undefined>> = {
  ENOTFOUND: 'EAI_NONAME',
  ENODATA: 'EAI_NONAME',
  EAI_NODATA: 'EAI_NONAME',
  EAI_FAMILY: 'EAFNOSUPPORT',
  ERR_SOCKET_CLOSED_BEFORE_CONNECTION: 'ECONNABORTED',
  ERR_STREAM_WRITE_AFTER_END: 'EPIPE',
  ERR_STREAM_DESTROYED: 'ENOTCONN',
};

const VERIFY_CODE_SET: ReadonlySet<string> = new Set(VERIFY_CODES);
const KNOWN_CODES: ReadonlySet<string> = new Set([...SYSTEM_CODES, ...VERIFY_CODES]);

function isSystemCode(code: string): code is (typeof SYSTEM_CODES)[number] | VerifyCode {
  return KNOWN_CODES.has(code);
}

/** errno.h: what Node knows, and what it does not. */
const ERRNO: Readonly<Record<string, number>> = { ...constants.errno, ESOCKTNOSUPPORT: 94 };
// Two names of one number (ENOTSUP, EOPNOTSUPP): the one of the list counts.
const NAME_OF_ERRNO = new Map([
  ...Object.entries(ERRNO).map(([name, number]) => [number, name] as const),
  ...SYSTEM_CODES.flatMap((name) => (ERRNO[name] === undefined ? [] : [[ERRNO[name], name] as const])),
]);

/** The name that errno.h has for a number. */
export function errnoName(errno: number): string {
  return NAME_OF_ERRNO.get(errno) ?? `errno ${String(errno)}`;
}

function errnoOf(code: SocketErrorCode): number | undefined {
  return RESOLVER_ERRNO[code] ?? ERRNO[code];
}

/** The one error that the engine throws: a code of a closed list, and what the kernel said. */
export class SocketError extends Error {
  readonly errno: number | undefined;

  constructor(
    readonly code: SocketErrorCode,
    message: string,
    readonly details: SocketErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'SocketError';
    this.errno = details.errno ?? errnoOf(code);
    forgetFrames(this);
    if (details.cause instanceof Error) forgetFrames(details.cause);
  }

  /** What a system call of our own answered: errno(3) as the kernel gave it, and what it was about. */
  static fromErrno(errno: number, syscall: string, end: Endpoint | null = null): SocketError {
    const name = errnoName(errno);
    const code = isSystemCode(name) ? name : 'SYSTEM_ERROR';
    const { address, port } = errorFields(end);
    const message = describe(code, name, syscall, address, port);
    return new SocketError(code, message, { errno, syscall, address, port });
  }

  /** Translates an error of Node at the edge of the system call; the original stays as the cause. */
  static fromSystem(error: unknown, details: SocketErrorDetails = {}): SocketError {
    if (error instanceof SocketError) return error;
    const system = error as NodeJS.ErrnoException & { address?: string; port?: number };
    const nodeCode = system.code ?? '';
    const code = codeOf(nodeCode);
    const syscall = system.syscall ?? details.syscall;
    const address = system.address ?? details.address;
    const port = system.port ?? details.port;
    const message = describe(code, nodeCode, syscall, address, port) + tlsReason(code, system);
    return new SocketError(code, message, {
      ...details,
      syscall,
      address,
      port,
      cause: error,
    });
  }
}

function codeOf(nodeCode: string): SocketErrorCode {
  const alias = NODE_ALIASES[nodeCode];
  if (alias !== undefined) return alias;
  if (isSystemCode(nodeCode)) return nodeCode;
  // Alerts and broken records: errors of the protocol, whatever OpenSSL has named them.
  return /^ERR_(SSL|TLS)_/.test(nodeCode) ? 'EPROTO' : 'SYSTEM_ERROR';
}

/** What OpenSSL, or Node's check of the name, has to add; the code alone would hide it. */
function tlsReason(code: SocketErrorCode, { message, reason }: Error & { reason?: string }): string {
  if (code !== 'EPROTO' && !VERIFY_CODE_SET.has(code)) return '';
  const said = /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
  const why = code === 'EPROTO' ? (said ?? reason ?? message) : message;
  return why === '' ? '' : `: ${why}`;
}

function describe(code: string, nodeCode: string, syscall?: string, address?: string, port?: number): string {
  const shown = code === 'SYSTEM_ERROR' && nodeCode !== '' ? nodeCode : code;
  const target = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${String(port)}`}`;
  return `${syscall === undefined ? '' : `${syscall} `}${shown}${target}`;
}

/**
 * Until its stack is read for the first time, an error holds whatever was `this` on the way to it: a TLS socket, say,
 * and the keys behind that. The record of a socket keeps its error for minutes; from here on it is text.
 */
function forgetFrames(error: Error): void {
  error.stack = String(error.stack);
}
