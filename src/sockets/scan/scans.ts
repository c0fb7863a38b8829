import type { FamilyChoice } from '../connect/resolve.js';
import { SocketError } from '../errors.js';
import { Forgotten } from '../forgotten.js';
import {
  MAX_FORGOTTEN_SCANS,
  MAX_KEPT_PROBES,
  MAX_RUNNING_SCANS,
  MAX_SCAN_MS,
  MAX_SCAN_PROBES,
  MAX_SCANS,
  SCAN_RETENTION_MS,
  type Limits,
} from '../limits.js';
import type { Policy } from '../policy.js';
import { parsePorts } from './ports.js';
import { Scan, type ScanSettings } from './scan.js';
import { scanTargets, type Where } from './targets.js';

export interface ScanRequest extends ScanSettings {
  where: Where;
  /** `22,80,8000-8100` */
  ports: string;
  /** Which address of a name. */
  family: FamilyChoice;
}

/** The scans that run, and those that have ended for as long as they are kept. */
export class Scans {
  /** In the order of their making. */
  private readonly kept = new Map<string, Scan>();
  private readonly forgotten = new Forgotten(MAX_FORGOTTEN_SCANS);
  /** Of which the names are being resolved. */
  private starting = 0;
  private made = 0;
  private isStopped = false;

  constructor(
    private readonly policy: Policy,
    private readonly limits: Limits,
    /** Places for so many descriptors; the answer gives them back. LIMIT_REACHED when there are not enough. */
    private readonly keepPlaces: (count: number) => () => void,
  ) {}

  /**
   * Starts a scan. Errors: EINVAL, ADDRESS_BLOCKED, NAME_TAKEN, LIMIT_REACHED, the resolver's; nothing has
   * been sent then.
   */
  async start(request: ScanRequest): Promise<Scan> {
    const ports = parsePorts(request.ports);
    this.requireRoom();
    this.starting += 1;
    try {
      const { where, family } = request;
      const targets = await scanTargets(where, family, ports, this.policy, this.limits.connectTimeoutMs);
      const total = targets.length * ports.length;
      requireBounds(total, request);
      this.requireName(request.name);
      if (this.isStopped) throw new SocketError('STOPPING', 'the service is stopping');
      this.makeRoom(total);
      const giveBack = this.keepPlaces(Math.min(request.concurrency, total));
      return this.keep(() => new Scan(request, targets, ports, giveBack), giveBack);
    } finally {
      this.starting -= 1;
    }
  }

  /** By id, or by name: the last that had it. Throws SCAN_GONE or SCAN_NOT_FOUND. */
  get(idOrName: string): Scan {
    const named = (): Scan | undefined =>
      [...this.kept.values()].findLast(({ settings }) => settings.name === idOrName);
    const scan = this.kept.get(idOrName) ?? named();
    if (scan !== undefined) return scan;
    if (this.forgotten.has(idOrName)) throw new SocketError('SCAN_GONE', `scan ${idOrName} is gone`);
    throw new SocketError('SCAN_NOT_FOUND', `no scan ${idOrName}`);
  }

  /** All that are kept, the oldest first. */
  get all(): Scan[] {
    return [...this.kept.values()];
  }

  /** Cancels one that runs, which can be read on; forgets one that has ended. */
  remove(scan: Scan): void {
    if (scan.state === 'running') scan.cancel();
    else this.forget(scan);
  }

  /** No new one; those that run are cancelled. */
  stop(): void {
    this.isStopped = true;
    for (const scan of this.kept.values()) scan.cancel();
  }

  sweep(): void {
    const before = Date.now() - SCAN_RETENTION_MS;
    for (const scan of this.kept.values())
      if (scan.finishedAt !== null && scan.finishedAt < before) this.forget(scan);
  }

  private keep(make: () => Scan, giveBack: () => void): Scan {
    try {
      const scan = make();
      scan.sequence = this.made += 1;
      this.kept.set(scan.id, scan);
      return scan;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  private get running(): number {
    return this.all.filter(({ state }) => state === 'running').length + this.starting;
  }

  private requireRoom(): void {
    if (this.running < MAX_RUNNING_SCANS) return;
    throw new SocketError('LIMIT_REACHED', `${String(MAX_RUNNING_SCANS)} scans run, the most allowed`);
  }

  private requireName(name: string | null): void {
    const isTaken = this.all.some(({ settings, state }) => state === 'running' && settings.name === name);
    if (name !== null && isTaken) throw new SocketError('NAME_TAKEN', `the name "${name}" is taken`);
  }

  /** Forgets the oldest that have ended, until one of `total` probes may be kept too. */
  private makeRoom(total: number): void {
    const held = (): number => this.all.reduce((sum, { results }) => sum + results.total, total);
    for (const scan of this.all) {
      if (this.kept.size < MAX_SCANS && held() <= MAX_KEPT_PROBES) return;
      if (scan.state !== 'running') this.forget(scan);
    }
  }

  private forget(scan: Scan): void {
    this.kept.delete(scan.id);
    this.forgotten.note(scan.id, scan.settings.name);
  }
}

/** What runs is bounded by its number and the size of each: those never need more than may be kept. */
function requireBounds(total: number, { timeoutMs, concurrency, ratePerSecond, banner }: ScanRequest): void {
  const wrong = (field: string, detail: string): SocketError => new SocketError('EINVAL', detail, { field });
  if (total > MAX_SCAN_PROBES)
    throw wrong(
      'ports',
      `${String(total)} ports on all addresses together: at most ${String(MAX_SCAN_PROBES)}`,
    );
  const silentMs = Math.ceil(total / concurrency) * timeoutMs * (banner ? 2 : 1);
  if (silentMs > MAX_SCAN_MS) throw wrong('timeoutMs', 'the scan could take longer than a day');
  if (ratePerSecond !== null && (total / ratePerSecond) * 1000 > MAX_SCAN_MS)
    throw wrong('ratePerSecond', 'the scan would take longer than a day');
}
