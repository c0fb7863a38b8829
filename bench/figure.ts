import { setTimeout as pause } from 'node:timers/promises';
import { type Options } from './options.js';
import { watchOthers } from './process-cpu.js';
import { Unavailable, type Peer, type PeerKind } from './peers/peer.js';

/* What a figure is, and the one way all of them are measured: every contender once in each round. */

export interface Metric {
  key: string;
  /** Heading of its column. */
  label: string;
  digits: number;
}

/** What a metric of `of` should reach: its ratio to the same metric of `to`, or, without `to`, the value itself. */
export interface Goal {
  of: string;
  to?: string;
  metric: string;
  atMost?: number;
  atLeast?: number;
}

/** One file each, figures/NN-name.ts, exported as `figure`; the runner finds them by their names. */
export interface Figure {
  /** As in the name of the file: what `--only` takes, and the place in the document. */
  number: number;
  title: string;
  /** How it is measured, for the reader of the table. */
  about: (options: Options) => string;
  /** What the rows of the table are; bridges when nothing is said. */
  rows?: string;
  metrics: Metric[];
  /** Shares of one core that the load processes used: more than 0.9 and the load is what was measured. */
  loads: Metric[];
  goals: Goal[];
  /** `sideBySide` does it for bridges, `inTurn` for anything else. */
  measure: (options: Options) => Promise<Measured>;
}

/** One run of one contender: a number for each metric and each load. */
export type Sample = Record<string, number>;

export interface Measured {
  /** By the contender's name; one sample a round. */
  samples: Map<string, Sample[]>;
  leftOut: LeftOut[];
  /** Of the whole machine, what other programs used meanwhile. */
  othersShare: number;
}

export interface LeftOut {
  name: string;
  reason: string;
  /** It should have worked: the whole benchmark fails, after the other figures. */
  failed: boolean;
}

/** After a connection closes, bridges tidy up: that should not run into the next bridge's clock. */
const SETTLE_MS = 200;

/** Something that is measured, and ended when that is over. */
export interface Contender {
  readonly name: string;
  stop(): Promise<void>;
}

/** How to get one. */
export interface ContenderKind<C extends Contender> {
  readonly name: string;
  start(): Promise<C>;
}

/** Bridges between one target and their WebSockets. */
export function sideBySide(
  kinds: readonly PeerKind[],
  targetPort: number,
  runs: number,
  check: (peer: Peer) => Promise<void>,
  sample: (peer: Peer) => Promise<Sample>,
): Promise<Measured> {
  const bridges = kinds.map((kind) => ({ name: kind.name, start: () => kind.start(targetPort) }));
  return inTurn(bridges, runs, check, sample);
}

/**
 * Starts the contenders, checks what each does, then measures them in turn: a b c a b c.
 * One that fails drops out with its reason; the others go on.
 */
export async function inTurn<C extends Contender>(
  kinds: readonly ContenderKind<C>[],
  runs: number,
  check: (contender: C) => Promise<void>,
  sample: (contender: C) => Promise<Sample>,
): Promise<Measured> {
  const contenders: C[] = [];
  const measured: Measured = { samples: new Map(), leftOut: [], othersShare: 0 };
  const othersShare = watchOthers();
  const leaveOut = (name: string, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`  ${name} is left out: ${reason}`);
    measured.leftOut.push({ name, reason, failed: !(error instanceof Unavailable) });
    measured.samples.delete(name);
  };

  try {
    for (const kind of kinds) {
      try {
        const contender = await kind.start();
        contenders.push(contender);
        await check(contender);
        measured.samples.set(kind.name, []);
      } catch (error) {
        leaveOut(kind.name, error);
      }
    }
    // Round 0 is not counted: V8 compiles while it runs, in threads of the bridge, and that is start-up.
    for (let round = 0; round <= runs; round++) {
      for (const contender of contenders) {
        const { name } = contender;
        const samples = measured.samples.get(name);
        if (!samples) continue;
        await pause(SETTLE_MS);
        try {
          const taken = await sample(contender);
          if (round > 0) samples.push(taken);
          console.log(`  ${round > 0 ? `round ${round}` : 'warm-up'}, ${name}: ${sampleText(taken)}`);
        } catch (error) {
          leaveOut(name, error);
        }
      }
    }
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
  measured.othersShare = othersShare();
  return measured;
}

function sampleText(sample: Sample): string {
  const parts = Object.entries(sample).map(([key, value]) => `${key} ${value.toPrecision(3)}`);
  return parts.join(', ');
}
