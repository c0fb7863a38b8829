/** What the service says is wrong: RFC 9457, over HTTP and over WebSocket alike. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  errno?: number;
  syscall?: string;
  bytesSent?: number;
  requestId?: string;
}

/** Every error of this library is one of these. */
export class SockeyeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The service answered with a problem. 404 and 410: the socket is gone; 401 and 403: it does not let you in. */
export class ProblemError extends SockeyeError {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }

  get status(): number {
    return this.problem.status;
  }

  /** What the `type` ends in: `not-found`, `connection-refused`. */
  get slug(): string {
    return this.problem.type.slice(this.problem.type.lastIndexOf('/') + 1);
  }
}

/** The service was not reached, or an answer did not come in time. */
export class UnreachableError extends SockeyeError {}

/** The WebSocket broke before the answer came: what was asked for may have been done. */
export class ConnectionLostError extends SockeyeError {
  constructor(what: string) {
    super(`${what}: the WebSocket broke before the answer came, it may have been done`);
  }
}

/** The connection, the channel or the watch was closed on this side. */
export class ClosedError extends SockeyeError {}

/** Another reader came under the same name, or somebody removed the reader. */
export class TakenOverError extends SockeyeError {}

/** Bytes or datagrams that are gone: from `from` up to, and without, `to`. */
export class GapError extends SockeyeError {
  constructor(
    readonly from: number,
    readonly to: number,
  ) {
    super(`${String(to - from)} are gone, from offset ${String(from)} to ${String(to)}`);
  }
}

/** Why a socket is closed: what the kernel said, or a word like `api` or `idle`. */
export type CloseReason = string | { code: string; errno: number | null; message: string };

/** The socket was closed without the peer's EOF: the stream may have been cut short. */
export class SocketClosedError extends SockeyeError {
  constructor(readonly reason: CloseReason) {
    super(`the socket was closed: ${typeof reason === 'string' ? reason : reason.message}`);
  }
}

/** More waits to be sent on a channel than it may hold. */
export class TooMuchWaitingError extends SockeyeError {}

/**
 * The WebSocket broke while bytes were on their way, and not all of them arrived. Nothing is sent again by itself.
 * The counts are of this call of `send`; what `lostBefore` counts is of earlier calls that had returned.
 */
export class SendInterruptedError extends SockeyeError {
  constructor(
    /** The service has taken at least these, from the first on. */
    readonly bytesSent: number,
    /** No more than these went out. */
    readonly bytesWritten: number,
    /** Bytes of earlier sends that did not arrive, or may not have. */
    readonly lostBefore: number,
    /**
     * `bytesSent` and `lostBefore` come from the socket's own counter. They are exact if nobody else sends on that
     * socket; otherwise `bytesSent` is a lower bound, and `lostBefore` an upper one.
     */
    readonly isCounted: boolean,
    options?: ErrorOptions,
  ) {
    const before = lostBefore === 0 ? '' : `, and of what was sent before ${String(lostBefore)} may be lost`;
    super(
      `the WebSocket broke: of ${String(bytesWritten)} bytes written ${String(bytesSent)} were sent${before}`,
      options,
    );
  }
}
