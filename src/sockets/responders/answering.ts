import { compileResponder } from './compile.js';
import { largestFrame, tooLarge } from '../framing/framing.js';
import { NO_MATCH, type Match, type Message } from './message.js';
import type { ResponderSpec } from './responder-spec.js';
import type { Carrier, Script, Step } from './script.js';

/** How often one part of a responder was used, and the bytes it answered. */
export class Tally {
  hits = 0;
  bytes = 0;
}

/** Which part of a responder a message is for. */
export interface Choice {
  matched: 'onConnect' | 'rule' | 'otherwise';
  /** Of a rule: which. */
  rule: number | null;
  match: Match;
  steps: readonly Step[];
  tally: Tally;
}

/** A responder at work: what was asked for, how it is carried out, and what it has done. */
export class Answering {
  readonly onConnect = new Tally();
  readonly rules: readonly Tally[];
  readonly otherwise = new Tally();
  messages = 0;
  /** Messages that could not be answered. */
  failures = 0;

  private constructor(
    readonly spec: ResponderSpec,
    readonly script: Script,
  ) {
    this.rules = script.rules.map(() => new Tally());
  }

  /** RESPONDER_INVALID, with pointers that begin with `at`. */
  static of(spec: ResponderSpec, carrier: Carrier, at: string): Answering {
    return new Answering(spec, compileResponder(spec, carrier, at));
  }

  /** It reads what it answers, and others need not. */
  get consumes(): boolean {
    return this.spec.consume ?? true;
  }

  get greeting(): Choice {
    const { script, onConnect: tally } = this;
    return { matched: 'onConnect', rule: null, match: NO_MATCH, steps: script.onConnect, tally };
  }

  /** The first rule that fits, in their order. EMSGSIZE for a message that is longer than those it is made for. */
  choose(message: Message): Choice {
    const most = largestFrame(this.script.framing);
    if (message.bytes.length > most)
      throw tooLarge(`a message of ${String(message.bytes.length)} bytes, ${String(most)} at most`);
    for (const [index, { when, then }] of this.script.rules.entries()) {
      const match = when(message);
      const tally = this.rules[index];
      if (match !== null && tally !== undefined)
        return { matched: 'rule', rule: index, match, steps: then, tally };
    }
    const { script, otherwise: tally } = this;
    return { matched: 'otherwise', rule: null, match: NO_MATCH, steps: script.otherwise, tally };
  }
}
