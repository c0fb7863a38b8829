import { isDeepStrictEqual } from 'node:util';
import type { Endpoint } from './endpoint.js';
import { SocketError } from './errors.js';
import type { OptionSetting } from './options/setting.js';
import { blocked, type Policy } from './policy.js';
import type { Registry } from './registry.js';
import { resolveHost } from './resolve.js';
import type { SocketContext } from './socket.js';
import { StreamListener, type Admission, type ListenerSettings } from './stream-listener.js';

interface InternetListenRequest extends ListenerSettings {
  host: string;
  port: number;
}

interface UnixListenRequest extends ListenerSettings {
  /** In the directory for Unix sockets. */
  path: string;
}

export type ListenRequest = InternetListenRequest | UnixListenRequest;

/** What became of a declaration. */
export interface Declared {
  listener: StreamListener;
  outcome: 'created' | 'unchanged' | 'replaced';
}

/** Makes listeners: one at a time for each name that is declared. */
export class Listeners {
  /** The last declaration of each name that is still at work. */
  private readonly atWork = new Map<string, Promise<unknown>>();

  constructor(
    private readonly registry: Registry,
    private readonly policy: Policy,
    private readonly context: SocketContext,
    private readonly admission: Admission,
    /** Options of every TCP listener that does not ask otherwise. */
    private readonly defaults: readonly OptionSetting[],
  ) {}

  async listen(request: ListenRequest): Promise<StreamListener> {
    const release = this.admission.reserve(request.name);
    try {
      const listener = await this.open(await this.whereToBind(request), request);
      this.admission.admit(listener);
      return listener;
    } finally {
      release();
    }
  }

  /** The listener of that name, as asked for: as it is, or made, or made anew in the place of another. */
  declare(request: ListenRequest & { name: string }): Promise<Declared> {
    const before = this.atWork.get(request.name) ?? Promise.resolve();
    const work = (): Promise<Declared> => this.declareNow(request);
    const turn = before.then(work, work);
    this.atWork.set(request.name, turn);
    return turn.finally(() => {
      if (this.atWork.get(request.name) === turn) this.atWork.delete(request.name);
    });
  }

  private async declareNow(request: ListenRequest & { name: string }): Promise<Declared> {
    const current = this.registry.openNamed(request.name);
    if (!(current instanceof StreamListener)) {
      // A client of that name makes this fail.
      return { listener: await this.listen(request), outcome: 'created' };
    }
    if (!isSameSpec(current.settings, this.withDefaults(request)))
      return { listener: await this.replace(current, request), outcome: 'replaced' };
    current.renewLease(request.leaseMs);
    return { listener: current, outcome: 'unchanged' };
  }

  /** Whatever fails, the old listener is there as before. Its connections go on in any case. */
  private async replace(old: StreamListener, request: ListenRequest): Promise<StreamListener> {
    const release = this.admission.reserve(request.name, old);
    try {
      const at = await this.whereToBind(request);
      const listener = await this.openInPlaceOf(old, at, request);
      this.admission.admit(listener);
      await old.close('graceful', 'replaced');
      return listener;
    } finally {
      release();
    }
  }

  /** Beside the old one, if the kernel allows it; where both want the same port, the old one steps aside. */
  private async openInPlaceOf(
    old: StreamListener,
    at: Endpoint,
    request: ListenRequest,
  ): Promise<StreamListener> {
    try {
      return await this.open(at, request);
    } catch (error) {
      if (!old.isInTheWayOf(at, error)) throw error;
    }
    old.stepAside();
    try {
      return await this.open(at, request);
    } catch (error) {
      await old.stepBack();
      throw error;
    }
  }

  /** All that can be said against a request without asking the kernel. */
  private async whereToBind(request: ListenRequest): Promise<Endpoint> {
    if ('path' in request) return this.admission.files.endpoint(request.path, 'bind');
    const { host, port } = request;
    const [found] = await resolveHost(host, 'any', this.context.limits.connectTimeoutMs);
    if (found === undefined) throw new SocketError('EAI_NONAME', `getaddrinfo EAI_NONAME ${host}`);
    const decision = this.policy.mayBind(found.address, port);
    if (!decision.allowed) throw blocked('bind', host, port, decision.rule);
    return { ...found, port };
  }

  private open(at: Endpoint, request: ListenRequest): Promise<StreamListener> {
    return StreamListener.listen(at, this.withDefaults(request), this.context, this.admission);
  }

  private withDefaults(request: ListenRequest): ListenRequest {
    if ('path' in request) return request;
    return { ...request, options: [...this.defaults, ...request.options] };
  }
}

function isSameSpec(one: ListenerSettings, other: ListenerSettings): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

/**
 * A lease says how long, not what: it is renewed, and no reason to replace anything. Of options it
 * counts what each comes to, in whatever order they were named: of one that is set twice, the last.
 */
function comparable({ options, ...settings }: ListenerSettings): object {
  const values = new Map(options.map(({ option, bytes }) => [option.name, bytes]));
  return { ...settings, options: values, leaseMs: null };
}
