import { problemOf } from '../../problems/problem.js';
import type { ServerData, ServerEvent } from './server-messages.js';
import type { WebSocketWriter } from '../wire/websocket-writer.js';

/** What an answer needs to know of its question. */
export interface Question {
  ref?: unknown;
}

/** Where in the question the trouble is, as far as that can be said. */
interface Place {
  channel?: number;
  /** Place in a list of attachments. */
  index?: number;
}

/** The messages to one client. */
export class Outbox {
  constructor(private readonly writer: WebSocketWriter) {}

  message<Event extends ServerEvent>(event: Event, data: ServerData[Event], { ref }: Question = {}): void {
    this.writer.text(ref === undefined ? { event, data } : { event, data, ref });
  }

  fail(error: unknown, question: Question, place: Place = {}): void {
    this.message('error', { ...problemOf(error), ...place }, question);
  }
}
