import { randomBytes } from 'node:crypto';
import type { Family } from '../endpoint.js';
import { MAX_SCAN_RETRIES, SCAN_RETRY_MS, SCAN_TURN_MS } from '../limits.js';
import { encodeSockaddr } from '../native/sockaddr.js';
import { Pace } from './pace.js';
import { Prober, Shortage, type ProbeSettings } from './probe.js';
import { BLOCKED, ScanResults, verdictOf, type PortState, type Verdict } from './results.js';
import type { ScanTarget } from './targets.js';

export const SCAN_STATES = ['running', 'done', 'cancelled'] as const;
export type ScanState = (typeof SCAN_STATES)[number];

export interface ScanSettings extends ProbeSettings {
  name: string | null;
  /** Probes that wait for an answer at the same time. */
  concurrency: number;
  /** Probes that begin in one second; null: as fast as they go. */
  ratePerSecond: number | null;
}

/** One port of one address, and what came of it. */
export interface ScanResult extends Verdict {
  host: string;
  address: string;
  port: number;
}

/** Where the port stands in an encoded sockaddr, of either family. */
const PORT_AT = 2;

/**
 * A scan of every port of every target, by connect(2). Probes begin in the order of the targets, a few
 * in each turn of the event loop; what is known of them can be read at any time.
 */
export class Scan {
  readonly id = `scn_${randomBytes(12).toString('hex')}`;
  readonly createdAt = Date.now();
  /** Place in the order of their making. */
  sequence = 0;
  finishedAt: number | null = null;
  state: ScanState = 'running';
  readonly results: ScanResults;
  private readonly sockaddrs: readonly { family: Family; bytes: Buffer }[];
  private readonly pace: Pace;
  private readonly prober: Prober;
  /** Probes without an answer, and how to give them up. */
  private readonly waiting = new Map<number, () => void>();
  private readonly wakes = new Set<() => void>();
  private next = 0;
  private shortages = 0;
  private turn: NodeJS.Timeout | NodeJS.Immediate | null = null;

  /** Throws EINVAL for a zone that names no interface. */
  constructor(
    readonly settings: ScanSettings,
    readonly targets: readonly ScanTarget[],
    readonly ports: readonly number[],
    /** Called once, when nothing of it goes on any more. */
    private readonly onEnd: () => void,
  ) {
    this.sockaddrs = targets.map(({ address, family }) => {
      const bytes = encodeSockaddr({ address, family, port: 0 });
      return { family, bytes };
    });
    this.results = new ScanResults(targets.length * ports.length);
    this.prober = new Prober(settings);
    this.pace = new Pace(settings.ratePerSecond, performance.now());
    this.turn = setImmediate(() => this.proceed());
  }

  /** Stops it; what is known stays. */
  cancel(): void {
    if (this.state === 'running') this.end('cancelled');
  }

  /** Calls `wake` when there are more results, and at the end, until the answer is called. */
  onNews(wake: () => void): () => void {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  }

  result(position: number): ScanResult {
    const { probe: number, ...verdict } = this.results.at(position);
    const { target, port } = this.probed(number);
    return { host: target?.host ?? '', address: target?.address ?? '', port, ...verdict };
  }

  page(from: number, limit: number, state: PortState | null): { items: ScanResult[]; next: number } {
    const { positions, next } = this.results.page(from, limit, state);
    return { items: positions.map((position) => this.result(position)), next };
  }

  private probed(number: number): { target: ScanTarget | undefined; at: number; port: number } {
    const at = Math.floor(number / this.ports.length);
    return { target: this.targets[at], at, port: this.ports[number % this.ports.length] ?? 0 };
  }

  /** Begins probes for as long as this turn, the rate and the concurrency allow. */
  private proceed(): void {
    this.turn = null;
    const known = this.results.length;
    const until = performance.now() + SCAN_TURN_MS;
    let pauseMs = 0;
    while (this.next < this.results.total && this.waiting.size < this.settings.concurrency) {
      const now = performance.now();
      pauseMs = this.pace.waitMs(now);
      if (pauseMs > 0 || now >= until) break;
      if (!this.begin(this.next)) {
        pauseMs = SCAN_RETRY_MS;
        break;
      }
      this.pace.took(now);
      this.next += 1;
    }
    this.settled(known);
    if (this.state !== 'running' || this.waiting.size >= this.settings.concurrency) return;
    if (this.next >= this.results.total) return;
    this.turn = pauseMs > 0 ? setTimeout(() => this.proceed(), pauseMs) : setImmediate(() => this.proceed());
  }

  /** False when this host has no means for a probe now, and it is worth another try. */
  private begin(number: number): boolean {
    const { target, at, port } = this.probed(number);
    const sockaddr = this.sockaddrs[at];
    if (sockaddr === undefined || target?.ownPort === port) {
      this.results.add(number, BLOCKED);
      return true;
    }
    sockaddr.bytes.writeUInt16BE(port, PORT_AT);
    const begun = this.prober.probe(sockaddr.family, sockaddr.bytes, (verdict) =>
      this.answered(number, verdict),
    );
    if (begun instanceof Shortage) {
      this.shortages += 1;
      if (this.shortages <= MAX_SCAN_RETRIES) return false;
      // Nor are there means for the ones behind it (an IPv6 address, say, where IPv6 is off): no more waiting.
      this.results.add(number, verdictOf(begun.errno));
      return true;
    }
    if (typeof begun === 'function') this.waiting.set(number, begun);
    else this.results.add(number, begun);
    this.shortages = 0;
    return true;
  }

  private answered(number: number, verdict: Verdict): void {
    this.waiting.delete(number);
    this.results.add(number, verdict);
    this.settled(this.results.length - 1);
    if (this.state === 'running') this.turn ??= setImmediate(() => this.proceed());
  }

  /** There may be more than the `known` results of before. */
  private settled(known: number): void {
    if (this.results.length === this.results.total) this.end('done');
    else if (this.results.length > known) for (const wake of this.wakes) wake();
  }

  private end(state: ScanState): void {
    this.state = state;
    this.finishedAt = Date.now();
    if (this.turn !== null) {
      clearTimeout(this.turn as NodeJS.Timeout);
      clearImmediate(this.turn as NodeJS.Immediate);
    }
    for (const giveUp of this.waiting.values()) giveUp();
    this.waiting.clear();
    this.prober.close();
    this.onEnd();
    for (const wake of this.wakes) wake();
  }
}
