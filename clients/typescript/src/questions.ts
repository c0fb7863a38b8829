import { ProblemError, UnreachableError } from './errors.js';
import type { ServerData, ServerMessage } from './protocol.js';

/** The answer to each question. */
interface Answers {
  attach: 'attached';
  send: 'sent';
  shutdown: 'done';
  close: 'done';
  detach: 'done';
  watch: 'watching';
  unwatch: 'watching';
  ping: 'pong';
}

export type Question = keyof Answers;
export type AnswerTo<Q extends Question> = ServerData[Answers[Q]];

/** Gets the answer in the turn of its message, before any message that comes behind it. */
export type Take<Q extends Question> = (answer: AnswerTo<Q>) => void;

type Settle = (outcome: ServerMessage | Error) => void;

/** A question that the service answers at once. Sends and closes take as long as their sockets. */
const ANSWER_MS = 30_000;

/** What was asked on one WebSocket and not answered yet. */
export class Questions {
  private readonly open = new Map<string, Settle>();

  /** The answer; ProblemError when it is an error, UnreachableError when it does not come. */
  ask<Q extends Question>(key: string, question: Q, take: Take<Q> = () => {}): Promise<AnswerTo<Q>> {
    return new Promise((resolve, reject) => {
      const late = (): void => this.settle(key, new UnreachableError(`${question}: no answer`));
      const timer = question === 'send' || question === 'close' ? undefined : setTimeout(late, ANSWER_MS);
      this.open.set(key, (outcome) => {
        clearTimeout(timer);
        if (outcome instanceof Error) return reject(outcome);
        if (outcome.event === 'error') return reject(new ProblemError(outcome.data));
        take(outcome.data as AnswerTo<Q>);
        resolve(outcome.data as AnswerTo<Q>);
      });
    });
  }

  /** The outcome of the question with that key; of a list that was refused as a whole, that of all in it. */
  settle(key: string, outcome: ServerMessage | Error): void {
    const keys = this.open.has(key)
      ? [key]
      : [...this.open.keys()].filter((one) => one.startsWith(`${key}/`));
    for (const one of keys) {
      const settle = this.open.get(one);
      this.open.delete(one);
      settle?.(outcome);
    }
  }

  /** No answer can come any more. */
  fail(error: Error): void {
    for (const key of [...this.open.keys()]) this.settle(key, error);
  }
}
