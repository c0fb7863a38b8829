import { isDeepStrictEqual } from 'node:util';
import { bindDatagram, type BindRequest } from '../datagram/datagram-open.js';
import { DatagramSocket } from '../datagram/datagram-socket.js';
import type { Endpoint } from '../endpoint.js';
import { SocketError } from '../errors.js';
import { makeWay } from './make-way.js';
import type { OptionSetting } from '../options/setting.js';
import { blocked, type Policy } from '../policy.js';
import type { Registry } from '../registry.js';
import { Answering } from '../responders/answering.js';
import type { ResponderSpec } from '../responders/responder-spec.js';
import { Responders } from '../responders/responders.js';
import type { Carrier } from '../responders/script.js';
import { resolveHost } from '../connect/resolve.js';
import type { ManagedSocket, SocketContext } from '../socket.js';
import { StreamListener, type Admission, type ListenerSettings } from './stream-listener.js';
import { digestOf } from '../tls/tls-context.js';

interface InternetListenRequest extends ListenerSettings {
  host: string;
  port: number;
}

interface UnixListenRequest extends ListenerSettings {
  /** In the directory for Unix sockets. */
  path: string;
}

export type ListenRequest = InternetListenRequest | UnixListenRequest;

/** Streams, which are listened for, or datagrams: bind(2) is enough for those. */
export type ListenerSpec = ListenRequest | BindRequest;

export type Listener = StreamListener | DatagramSocket;

export function isListener(socket: ManagedSocket | null): socket is Listener {
  return socket instanceof StreamListener || (socket instanceof DatagramSocket && socket.kind === 'listener');
}

/** What became of a declaration. */
export interface Declared {
  listener: Listener;
  outcome: 'created' | 'unchanged' | 'replaced';
}

/** Makes listeners: one at a time for each name that is declared. */
export class Listeners {
  /** Who answers for them. */
  readonly responders: Responders;
  /** The last declaration of each name that is still at work. */
  private readonly atWork = new Map<string, Promise<unknown>>();
  /** What each listener that has a name was asked to be, as `comparable` has it. */
  private readonly specs = new WeakMap<Listener, object>();

  constructor(
    private readonly registry: Registry,
    private readonly policy: Policy,
    private readonly context: SocketContext,
    private readonly admission: Admission,
    /** Options of every TCP listener that does not ask otherwise. */
    private readonly defaults: readonly OptionSetting[],
  ) {
    this.responders = new Responders(context.now);
  }

  async listen(request: ListenerSpec): Promise<Listener> {
    const release = this.admission.reserve(request.name);
    try {
      const listener = await this.open(await this.whereToBind(request), request, false);
      this.admission.admit(listener);
      return listener;
    } finally {
      release();
    }
  }

  /** The listener of that name, as asked for: as it is, or made, or made anew in the place of another. */
  declare(request: ListenerSpec & { name: string }): Promise<Declared> {
    const before = this.atWork.get(request.name) ?? Promise.resolve();
    const work = (): Promise<Declared> => this.declareNow(request);
    const turn = before.then(work, work);
    this.atWork.set(request.name, turn);
    return turn.finally(() => {
      if (this.atWork.get(request.name) === turn) this.atWork.delete(request.name);
    });
  }

  /** Changes who answers for a listener; null: nobody. RESPONDER_INVALID, SOCKET_GONE. */
  setResponder(listener: Listener, spec: ResponderSpec | null, at: string): void {
    listener.requireOpen();
    const carrier =
      listener instanceof StreamListener ? carrierOf(listener.settings, true) : carrierOf(listener, false);
    this.responders.change(listener, spec === null ? null : Answering.of(spec, carrier, at));
  }

  private async declareNow(request: ListenerSpec & { name: string }): Promise<Declared> {
    const current = this.registry.openNamed(request.name);
    if (!isListener(current)) {
      // A client of that name makes this fail.
      return { listener: await this.listen(request), outcome: 'created' };
    }
    const spec = this.specs.get(current);
    if (!isDeepStrictEqual(spec, comparable(this.withDefaults(request))))
      return { listener: await this.replace(current, request), outcome: 'replaced' };
    const isAnswering = isDeepStrictEqual(current.answering?.spec, request.responder);
    // Whoever is connected stays so: only the answers are others.
    if (!isAnswering) this.setResponder(current, request.responder ?? null, '/responder');
    current.renewLease(request.leaseMs);
    return { listener: current, outcome: isAnswering ? 'unchanged' : 'replaced' };
  }

  /** Whatever fails, the old listener is there as before. Its connections go on in any case. */
  private async replace(old: Listener, request: ListenerSpec): Promise<Listener> {
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

  /** Beside the old one, if the kernel allows it; where both want the same port or file, the old one makes way. */
  private async openInPlaceOf(old: Listener, at: Endpoint, request: ListenerSpec): Promise<Listener> {
    try {
      return await this.open(at, request, false);
    } catch (error) {
      if (!isInUse(error) || !isInTheWay(old, at, request)) throw error;
    }
    const open = (): Promise<Listener> => this.open(at, request, true);
    return old instanceof StreamListener ? old.makeWay(open) : makeWay(old, this.admission.files, open);
  }

  /** All that can be said against a request without asking the kernel. */
  private async whereToBind(request: ListenerSpec): Promise<Endpoint> {
    if ('path' in request) return this.admission.files.endpoint(request.path, 'bind');
    const { host, port } = request;
    const [found] = await resolveHost(host, 'any', this.context.limits.connectTimeoutMs);
    if (found === undefined) throw new SocketError('EAI_NONAME', `getaddrinfo EAI_NONAME ${host}`);
    const decision = this.policy.mayBind(found.address, port);
    if (!decision.allowed) throw blocked('bind', host, port, decision.rule);
    return { address: found.address, port, family: found.family };
  }

  /** `shared`: another listener has the place, and makes way. */
  private async open(at: Endpoint, request: ListenerSpec, shared: boolean): Promise<Listener> {
    const spec = this.withDefaults(request);
    const ways = { policy: this.policy, unix: this.admission.files };
    // Before anything is bound: what is wrong with a responder shows here.
    const answering = answeringOf(spec);
    const listener = isStream(spec)
      ? await StreamListener.listen(at, spec, this.context, this.admission)
      : bindDatagram({ at, shared }, spec, ways, this.context);
    listener.answering = answering;
    if (spec.name !== null) this.specs.set(listener, comparable(spec));
    return listener;
  }

  private withDefaults(request: ListenerSpec): ListenerSpec {
    if ('path' in request || !isStream(request)) return request;
    return { ...request, options: [...this.defaults, ...request.options] };
  }
}

function isStream(spec: ListenerSpec): spec is ListenRequest {
  return 'backlog' in spec;
}

/** RESPONDER_INVALID. */
function answeringOf(spec: ListenerSpec): Answering | null {
  return spec.responder === undefined
    ? null
    : Answering.of(spec.responder, carrierOf(spec, isStream(spec)), '/responder');
}

function carrierOf(
  { type, receive: { windowBytes } }: Pick<ListenRequest, 'type' | 'receive'>,
  stream: boolean,
): Carrier {
  if (!stream) return { type: 'datagrams', windowBytes };
  return { type: type === 'seqpacket' ? 'messages' : 'stream', windowBytes };
}

function isInUse(error: unknown): boolean {
  return error instanceof SocketError && error.code === 'EADDRINUSE';
}

/** Nothing can be bound at `at` for as long as `old` has its place. */
function isInTheWay(old: Listener, at: Endpoint, request: ListenerSpec): boolean {
  const has = old.localAddress;
  if (old.isClosed) return false;
  if ('path' in has) return 'path' in at && has.path === at.path;
  // A port of TCP and one of UDP have only the number in common.
  const isSameSpace = old instanceof StreamListener === isStream(request);
  return isSameSpace && 'port' in at && has.port === at.port;
}

/**
 * A lease says how long, not what: it is renewed, and no reason to replace anything. Of options it
 * counts what each comes to, in whatever order they were named: of one that is set twice, the last.
 * Of TLS, which has keys in it, a digest. A responder changes without the listener.
 */
function comparable({ options, responder: _, ...settings }: ListenerSpec): object {
  const tls = 'tls' in settings && settings.tls !== null ? digestOf(settings.tls) : null;
  const values = new Map(options.map(({ option, bytes }) => [option.name, bytes]));
  return { ...settings, tls, options: values, leaseMs: null };
}
