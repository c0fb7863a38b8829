import { constants } from 'node:os';
import { MAX_SCAN_BANNERS } from '../limits.js';

export const PORT_STATES = ['open', 'closed', 'filtered'] as const;
export type PortState = (typeof PORT_STATES)[number];

/** What came of one probe. */
export interface Verdict {
  state: PortState;
  /** errno(3) of the connect; 0: it connected, or nothing was sent. */
  errno: number;
  /** The service's own port: the policy keeps probes from it. */
  isBlocked: boolean;
  /** The first bytes that an open port sent; null: it sent none, was not asked to, or many before it did. */
  banner: Buffer | null;
}

const { ECONNREFUSED, ECONNRESET } = constants.errno;

/** As `nmap -sT` has it: who answers that nobody listens is closed; silence, and a router's answer, is a filter. */
export function verdictOf(errno: number, banner: Buffer | null = null): Verdict {
  // SYN is answered with RST by ECONNREFUSED: who says ECONNRESET had been connected.
  const isOpen = errno === 0 || errno === ECONNRESET;
  const state = isOpen ? 'open' : errno === ECONNREFUSED ? 'closed' : 'filtered';
  return { state, errno: isOpen ? 0 : errno, isBlocked: false, banner };
}

export const BLOCKED: Verdict = { state: 'filtered', errno: 0, isBlocked: true, banner: null };

const BLOCKED_FLAG = 0x80;

/**
 * What is known of a scan's probes, in the order in which it came to be known: six bytes each. A probe
 * is known by its number, which says address and port.
 */
export class ScanResults {
  private readonly probes: Uint32Array;
  private readonly states: Uint8Array;
  private readonly errnos: Uint8Array;
  private readonly banners = new Map<number, Buffer>();
  readonly counts: Record<PortState, number> = { open: 0, closed: 0, filtered: 0 };
  length = 0;

  constructor(readonly total: number) {
    this.probes = new Uint32Array(total);
    this.states = new Uint8Array(total);
    this.errnos = new Uint8Array(total);
  }

  add(probe: number, { state, errno, isBlocked, banner }: Verdict): void {
    const at = this.length;
    this.probes[at] = probe;
    this.states[at] = PORT_STATES.indexOf(state) | (isBlocked ? BLOCKED_FLAG : 0);
    this.errnos[at] = errno;
    if (banner !== null && this.banners.size < MAX_SCAN_BANNERS) this.banners.set(at, banner);
    this.counts[state] += 1;
    this.length = at + 1;
  }

  at(position: number): Verdict & { probe: number } {
    const packed = this.states[position] ?? 0;
    return {
      probe: this.probes[position] ?? 0,
      state: this.stateAt(position),
      errno: this.errnos[position] ?? 0,
      isBlocked: (packed & BLOCKED_FLAG) !== 0,
      banner: this.banners.get(position) ?? null,
    };
  }

  /** Positions from `from` on, of this state if one is given, at most `limit`; and where to go on. */
  page(from: number, limit: number, state: PortState | null): { positions: number[]; next: number } {
    const positions: number[] = [];
    let next = from;
    for (; next < this.length && positions.length < limit; next += 1)
      if (state === null || this.stateAt(next) === state) positions.push(next);
    return { positions, next };
  }

  private stateAt(position: number): PortState {
    return PORT_STATES[(this.states[position] ?? 0) & ~BLOCKED_FLAG] ?? 'filtered';
  }
}
