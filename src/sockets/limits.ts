/**
 * Every bound of the engine, in one place. Sizes are bytes, durations milliseconds.
 * What an operator may change is read by the configuration; the rest is fixed and says why.
 */
export interface Limits {
  /** Sockets of any kind open at once. */
  maxSockets: number;
  /** Received bytes held in memory over all sockets, history included. */
  maxBufferedBytes: number;
  /** The receive window of a socket that does not ask for another. */
  defaultWindowBytes: number;
  /** The largest receive window a caller may ask for. */
  maxWindowBytes: number;
  /** How long a connect may take, names included, when the caller does not say. */
  connectTimeoutMs: number;
  /** How long a send waits for a peer that does not read, when the caller does not say. */
  sendTimeoutMs: number;
  /** Silence after which the kernel asks whether the peer is still there; 10 probes follow, 1 s apart. */
  keepAliveMs: number;
  /** How long a connection whose peer has sent EOF stays open without traffic once all is read. */
  halfClosedMs: number;
  /** How long unread bytes outlive the close of their socket. */
  lingerMs: number;
  /** How long a closed socket can still be inspected, and how many of them at most. */
  closedRetentionMs: number;
  maxClosed: number;
  /** How long a TLS client that has connected to a listener may take to get through its handshake. */
  handshakeMs: number;
  /** Events in the life of sockets that are remembered for who comes back. */
  eventHistory: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxSockets: 10_000,
  maxBufferedBytes: 512 * 1024 * 1024,
  defaultWindowBytes: 1024 * 1024,
  maxWindowBytes: 64 * 1024 * 1024,
  connectTimeoutMs: 10_000,
  sendTimeoutMs: 30_000,
  keepAliveMs: 60_000,
  halfClosedMs: 60_000,
  lingerMs: 60_000,
  closedRetentionMs: 300_000,
  maxClosed: 10_000,
  handshakeMs: 10_000,
  eventHistory: 10_000,
};

/** How long an address may say nothing before the next is tried beside it (RFC 8305, 8). */
export const ATTEMPT_DELAY_MS = 250;

/** Readers one socket remembers: each is a cursor that may hold bytes. */
export const MAX_READERS = 64;

/**
 * What every log may hold even when the process is over its byte budget, so that sockets which
 * nobody reads can never bring the others to a halt.
 */
export const BUDGET_RESERVE_BYTES = 16 * 1024;

/** The read buffer that all quiet connections share; its bytes are copied at once. */
export const SHARED_READ_BYTES = 64 * 1024;

/**
 * The largest single read. Above it the reading costs no less CPU, and reader and writer work less
 * side by side: 1 MiB carried a quarter fewer bytes a second.
 */
export const MAX_READ_BYTES = 512 * 1024;

/**
 * What is read from all stream connections together in one turn of the event loop: a call of the API
 * that comes meanwhile waits for about as long as it takes to pass that on. Who has read less than a
 * little in the turn is not counted among those who wait.
 */
export const READ_BYTES_A_TURN = 1024 * 1024;
export const LITTLE_BYTES_A_TURN = 16 * 1024;

/**
 * Memory of bulk reads that is kept for use again, over all sockets: so much for good, and up to the second,
 * which is the windows of 128 busy sockets, while it is wanted. How long it waits to be wanted.
 */
export const POOLED_BYTES = 16 * 1024 * 1024;
export const MAX_POOLED_BYTES = 128 * 1024 * 1024;
export const POOL_TRIM_MS = 10_000;

/** A send is handed to the kernel in slices of this size; at most one slice can be past recall. */
export const SEND_SLICE_BYTES = 64 * 1024;

/** So many writes of one socket are on their way at once; shorter ones that wait behind them can still be joined. */
export const MAX_WRITES = 64;

/** What may wait on one socket for a peer that does not read; more is refused. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** How many datagrams may wait on one socket for room in the kernel, however short. */
export const MAX_QUEUED_DATAGRAMS = 16_384;

/** How soon a datagram is tried again that found a Unix socket's queue full; nothing tells when it has room. */
export const UNIX_RETRY_MS = 10;

/** What is asked of the kernel for datagrams that have come and were not read yet. */
export const DATAGRAM_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Datagrams are read in batches; so many of them, and the next socket has its turn. */
export const BATCHES_A_TURN = 8;

/** So many turns empty the queue of a socket: 8 MiB, twice what was asked for, hold 10,922 datagrams at most. */
export const TURNS_A_QUEUE = 64;

/** The same for a send that takes only what fits now: what it hands over beyond that is at most this. */
export const SOME_SLICE_BYTES = 4 * 1024;

/** An urgent byte for which the kernel has no room is tried again this often: no event says when there is. */
export const URGENT_RETRY_MS = 10;

/** Sends up to this size are gathered and written together at the end of the tick. */
export const COALESCE_BELOW_BYTES = 16 * 1024;

/** How long a graceful close waits for queued sends, and then for the peer's EOF. */
export const CLOSE_FLUSH_MS = 5_000;
export const CLOSE_LINGER_MS = 1_000;

/** A socket tells of its pauses and gaps at most this often; what comes in between is gathered. */
export const FLOW_EVENT_MS = 250;

/** Answers to requests with an Idempotency-Key that are kept to be given again: how many, their bytes, for how long. */
export const MAX_IDEMPOTENCY_KEYS = 10_000;
export const MAX_IDEMPOTENCY_BYTES = 64 * 1024 * 1024;
export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

/** How often deadlines (idle, half-closed, linger, reader TTL, retention) are looked at. */
export const SWEEP_MS = 250;

/** A connection whose large read memory is given back after this long without a byte. */
export const QUIET_MS = 1_000;

/** Certificates, keys and authorities of one socket, all together; and its identities by name (SNI). */
export const MAX_TLS_BYTES = 256 * 1024;
export const MAX_SNI_NAMES = 64;

/** Handshakes one listener has in progress; the connection after that is reset. */
export const MAX_HANDSHAKES = 256;

/** How many connections, or messages of one, are taken in before others have their turn. */
export const ACCEPTS_A_TURN = 64;
export const MESSAGES_A_TURN = 64;

/** After accept(2) found no free descriptor: how long until it is asked again. */
export const ACCEPT_RETRY_MS = 100;

/** Lookups of names that run at once: the C library starts a thread for each, 20 at most. Two descriptors each. */
export const LOOKUPS_AT_ONCE = 16;

/** Questions that wait for their turn at the resolver; more are refused. */
export const MAX_WAITING_QUESTIONS = 256;

/** Ids and names of sockets, and of scans, that are not kept any more: whoever asks for one hears that it is gone. */
export const MAX_FORGOTTEN = 10_000;
export const MAX_FORGOTTEN_SCANS = 1_000;

/** Scans that run at once, and how many are kept to be read, those included; the oldest that has ended makes room. */
export const MAX_RUNNING_SCANS = 4;
export const MAX_SCANS = 64;

/** Addresses, and ports on all of them together, of one scan; and of all scans that are kept: six bytes each. */
export const MAX_SCAN_ADDRESSES = 4_096;
export const MAX_SCAN_PROBES = 1_048_576;
export const MAX_KEPT_PROBES = 8 * MAX_SCAN_PROBES;

/** Probes of one scan that wait for an answer at the same time: each has a descriptor. */
export const MAX_SCAN_CONCURRENCY = 1_024;

/** Ports of one scan of which the first words are kept: hosts there are that greet on every port. */
export const MAX_SCAN_BANNERS = 8_192;

/** A scan that would take longer, if nobody answered, is refused. */
export const MAX_SCAN_MS = 24 * 60 * 60 * 1000;

/** How long a scan that has ended can be read. */
export const SCAN_RETENTION_MS = 60 * 60 * 1000;

/** So long a scan sends probes in one turn of the event loop: some 200 on loopback. */
export const SCAN_TURN_MS = 1;

/** How soon a probe is tried again for which this host had no port or memory left, and how often. */
export const SCAN_RETRY_MS = 10;
export const MAX_SCAN_RETRIES = 100;

/** What is kept of the first words of an open port. */
export const BANNER_BYTES = 256;

/** A message that a responder waits for: its default bound and the largest that may be asked for; its delimiter. */
export const DEFAULT_MESSAGE_BYTES = 64 * 1024;
export const MAX_MESSAGE_BYTES = 1024 * 1024;
export const MAX_DELIMITER_BYTES = 64;

/** A responder as JSON; conditions within conditions. */
export const MAX_RESPONDER_CHARACTERS = 256 * 1024;
export const MAX_CONDITION_DEPTH = 16;

/** One template: its text, the time it may take (a second time once it took longer), what its filters may make and what it may come to. */
export const MAX_TEMPLATE_CHARACTERS = 64 * 1024;
export const RENDER_MS = 25;
export const RENDER_MEMORY = 8 * 1024 * 1024;
export const MAX_ANSWER_CHARACTERS = 4 * 1024 * 1024;

/**
 * Matching takes time by the states of a pattern times the bytes of a message: at this product some 50 ms at
 * worst. A responder with patterns has the smaller default for its messages.
 */
export const MAX_PATTERN_CHARACTERS = 1000;
export const MAX_MATCH_WORK = 1024 * 1024;
export const DEFAULT_MATCHED_BYTES = 8 * 1024;

/** How long responders may work, all together, before everything else has its turn. */
export const RESPONDER_TURN_MS = 4;

/** A peer that leaves so much of its answers unread is not listened to until it reads. */
export const UNREAD_ANSWER_BYTES = 64 * 1024;

/**
 * Answers to datagrams that wait, for time or for room at the peer: on one socket, and to one sender. Beyond
 * that datagrams are not answered: others must not wait for them.
 */
export const MAX_DELAYED_ANSWERS = 1024;
export const MAX_DELAYED_ANSWERS_TO_ONE = 64;

/** What is kept of what a responder heard and said: of one message, to one message, of one socket, of all of them. */
export const TRANSCRIBED_BYTES = 4096;
export const MAX_ENTRY_ANSWERS = 64;
export const MAX_TRANSCRIPT_ENTRIES = 1000;
export const MAX_TRANSCRIPT_BYTES = 256 * 1024;
export const MAX_TRANSCRIPTS_BYTES = 64 * 1024 * 1024;

/** Exchanges that run at once; one more is refused. */
export const MAX_EXCHANGES = 256;

/** What an exchange keeps of what its peer sends, when the caller does not say, and at most. */
export const EXCHANGE_BYTES = 1024 * 1024;
export const MAX_EXCHANGE_BYTES = 16 * 1024 * 1024;

/** And how many datagrams: the empty ones have no bytes to count. */
export const MAX_EXCHANGE_DATAGRAMS = 10_000;
