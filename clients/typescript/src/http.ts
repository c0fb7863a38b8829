import { ProblemError, UnreachableError, type Problem } from './errors.js';
import type { SocketView } from './protocol.js';

/** What `POST /v1/clients` takes; any further field goes as it is. */
export interface DialSpec {
  protocol?: string;
  host?: string;
  port?: number;
  path?: string;
  timeoutMs?: number;
  [more: string]: unknown;
}

/** What `POST /v1/listeners` takes; any further field goes as it is. */
export interface ListenSpec {
  protocol?: string;
  host?: string;
  port?: number;
  path?: string;
  name?: string;
  [more: string]: unknown;
}

/** The service has deadlines of its own, which end before this. */
const DEADLINE_MS = 120_000;

/** The few HTTP calls that sockets on a WebSocket begin and end with. */
export class SocketCalls {
  constructor(
    private readonly url: string,
    private readonly token: string | undefined,
  ) {}

  /** A client that has connected, or ProblemError with what the kernel said. */
  dial(spec: DialSpec): Promise<SocketView> {
    return this.call('POST', '/v1/clients', spec);
  }

  /** A listener; of `udp` and `unix-datagram` a bound socket. */
  listen(spec: ListenSpec): Promise<SocketView> {
    return this.call('POST', '/v1/listeners', spec);
  }

  get(id: string): Promise<SocketView> {
    return this.call('GET', `/v1/sockets/${encodeURIComponent(id)}`);
  }

  async close(id: string, mode: 'graceful' | 'reset' = 'graceful'): Promise<void> {
    await this.call('DELETE', `/v1/sockets/${encodeURIComponent(id)}?mode=${mode}`);
  }

  /** Resolves if the service lets us in; ProblemError if not. */
  async admission(): Promise<void> {
    await this.call('GET', '/health/live');
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = {};
    if (this.token !== undefined) headers.authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = { method, headers, signal: AbortSignal.timeout(DEADLINE_MS) };
    const sent = body === undefined ? init : { ...init, body: JSON.stringify(body) };
    const answer = await fetch(`${this.url}${path}`, sent).catch((cause: unknown) => {
      throw new UnreachableError(`${method} ${path} got no answer`, { cause });
    });
    const text = await answer.text();
    if (!answer.ok) throw new ProblemError(problemOf(answer, text));
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}

/** Something between us and the service may answer in words of its own. */
function problemOf(answer: Response, text: string): Problem {
  if (answer.headers.get('content-type')?.startsWith('application/problem+json') === true)
    return JSON.parse(text) as Problem;
  return { type: 'about:blank', title: answer.statusText, status: answer.status };
}
