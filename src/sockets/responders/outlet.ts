import type { Choice } from './answering.js';
import type { Occasion } from './occasion.js';
import type { Step } from './script.js';
import type { Deed, Entry } from './transcript.js';

/** Where the answers to one message go. */
export interface Outlet {
  /** Nobody is there any more for an answer. */
  isOver(): boolean;
  /** Queues an answer; resolves when the next may follow. */
  send(bytes: Buffer, choice: Choice, entry: Entry): Promise<void> | undefined;
  /** Ends early when it is over. */
  pause(ms: number): Promise<void>;
  /** What comes is dropped, as long as answers go on. */
  ignoreWhatCame(): void;
  do(deed: Deed, how: 'read' | 'write' | 'both'): void;
}

/** One step after the other; undefined when none of them had to wait. */
export function perform(
  choice: Choice,
  occasion: Occasion,
  entry: Entry,
  outlet: Outlet,
  first = 0,
): Promise<void> | undefined {
  for (const [index, step] of choice.steps.entries()) {
    if (index < first) continue;
    if (outlet.isOver()) return undefined;
    const waits = performOne(step, choice, occasion, entry, outlet);
    if (waits !== undefined) return waits.then(() => perform(choice, occasion, entry, outlet, index + 1));
  }
  return undefined;
}

function performOne(
  step: Step,
  choice: Choice,
  occasion: Occasion,
  entry: Entry,
  outlet: Outlet,
): Promise<void> | undefined {
  switch (step.do) {
    case 'send':
      return outlet.send(step.bytes(occasion), choice, entry);
    case 'sendForever':
      return sendForever(step.bytes, choice, entry, outlet);
    case 'delay':
      return outlet.pause(step.ms);
    case 'shutdown':
      outlet.do(step.do, step.how);
      break;
    default:
      outlet.do(step.do, 'both');
  }
  entry.deeds.push(step.do);
  return undefined;
}

async function sendForever(
  bytes: (turn: number) => Buffer,
  choice: Choice,
  entry: Entry,
  outlet: Outlet,
): Promise<void> {
  for (let turn = 0; !outlet.isOver(); turn += 1) {
    await outlet.send(bytes(turn), choice, entry);
    outlet.ignoreWhatCame();
    // Others have their turn, however fast the peer is.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
