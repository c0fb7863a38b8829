import { DEFAULT_LIMITS } from '../../sockets/index.js';

/** Every environment variable there is: the README's table and the reader go by this one. */
export const VARIABLES = {
  SOCKEYE_HOST: {
    default: '127.0.0.1',
    meaning: 'address the service listens on; not loopback only with keys',
  },
  SOCKEYE_PORT: { default: '3000', meaning: 'port the service listens on; 0 picks a free one' },
  SOCKEYE_DATA_DIR: { default: './data', meaning: 'directory for what is kept on disk' },
  SOCKEYE_LOG_LEVEL: { default: 'info', meaning: 'fatal, error, warn, info, debug, trace or silent' },
  SOCKEYE_API_KEYS: { default: '', meaning: 'keys, comma-separated, each `id.secret`; none: protected mode' },
  SOCKEYE_API_KEYS_FILE: { default: '', meaning: 'file with one key a line; `#` starts a comment' },
  SOCKEYE_ALLOWED_HOSTS: { default: '', meaning: 'host names accepted in `Host` besides the address itself' },
  SOCKEYE_ALLOWED_ORIGINS: {
    default: '',
    meaning: 'origins of web pages that may call, like `https://app.example`',
  },
  SOCKEYE_EGRESS_ALLOW: { default: '', meaning: 'networks that may be dialled although denied by default' },
  SOCKEYE_EGRESS_DENY: { default: '', meaning: 'networks that may never be dialled' },
  SOCKEYE_BIND_ALLOW: { default: '', meaning: 'addresses besides loopback that listeners may bind' },
  SOCKEYE_PORT_RANGE: { default: '1024-65535', meaning: 'ports that listeners may bind' },
  SOCKEYE_UNIX_DIR: { default: '', meaning: 'directory for Unix sockets; none: there are none' },
  SOCKEYE_ALLOW_METADATA: { default: 'false', meaning: '`true` lets callers dial cloud metadata addresses' },
  SOCKEYE_MAX_SOCKETS: { default: String(DEFAULT_LIMITS.maxSockets), meaning: 'sockets open at once' },
  SOCKEYE_MAX_BUFFERED_BYTES: {
    default: String(DEFAULT_LIMITS.maxBufferedBytes),
    meaning: 'received bytes in memory, over all sockets',
  },
  SOCKEYE_WINDOW_BYTES: {
    default: String(DEFAULT_LIMITS.defaultWindowBytes),
    meaning: 'receive window of a socket that asks for none',
  },
  SOCKEYE_MAX_BODY_BYTES: {
    default: String(16 * 1024 * 1024),
    meaning: 'largest request body and WebSocket message',
  },
  SOCKEYE_CONNECT_TIMEOUT_MS: {
    default: String(DEFAULT_LIMITS.connectTimeoutMs),
    meaning: 'deadline of a connect',
  },
  SOCKEYE_SEND_TIMEOUT_MS: { default: String(DEFAULT_LIMITS.sendTimeoutMs), meaning: 'deadline of a send' },
  SOCKEYE_KEEP_ALIVE_MS: {
    default: String(DEFAULT_LIMITS.keepAliveMs),
    meaning: 'silence before TCP keep-alive asks (10 probes, 1 s apart)',
  },
  SOCKEYE_HALF_CLOSED_MS: {
    default: String(DEFAULT_LIMITS.halfClosedMs),
    meaning: 'a connection whose peer sent EOF, all read and silent, is closed after this',
  },
  SOCKEYE_LINGER_MS: {
    default: String(DEFAULT_LIMITS.lingerMs),
    meaning: 'how long unread bytes outlive a close',
  },
  SOCKEYE_CLOSED_RETENTION_MS: {
    default: String(DEFAULT_LIMITS.closedRetentionMs),
    meaning: 'how long a closed socket can be inspected',
  },
  SOCKEYE_EVENT_HISTORY: {
    default: String(DEFAULT_LIMITS.eventHistory),
    meaning: 'events remembered for who comes back to `/v1/events`',
  },
  SOCKEYE_DRAIN_MS: {
    default: '5000',
    meaning: 'on SIGTERM: how long readers and sends may take to finish; at most 9000',
  },
} as const satisfies Record<string, { default: string; meaning: string }>;

export type VariableName = keyof typeof VARIABLES;
