import { setTimeout as pause } from 'node:timers/promises';
import { SocketError, type DatagramSocket, type InternetEndpoint } from '../../sockets/index.js';
import { internetPeerOf, unanswered } from '../time-socket.js';
import { askOnce, type NtpAnswer } from './ask.js';
import type { NtpPacket } from './packet.js';
import { jitterOf, type NtpSample } from './sample.js';

export interface NtpQuestion {
  version: number;
  /** How many round trips, and the time between an answer and the next question. */
  samples: number;
  intervalMs: number;
  /** For all of them. */
  timeoutMs: number;
}

/** What a server said in one or several round trips. */
export interface NtpReading {
  remote: InternetEndpoint;
  /** Of the sample to believe, as are offset, delay and dispersion. */
  packet: NtpPacket;
  best: NtpSample;
  jitterMs: number;
  /** How far from the truth the offset may be, all told (RFC 5905, 11.2). */
  rootDistanceMs: number;
  samples: readonly NtpSample[];
  /** Questions that were not answered in time, and packets that were no answer. */
  lost: number;
  ignored: number;
  /** What the server, or the way to it, said against more questions; null: all were asked that there was time for. */
  endedBy: SocketError | null;
}

/**
 * Asks the server that `socket` is connected to. A question without an answer counts as lost, and one that is
 * answered with a refusal is the last: as long as one was answered with a time there is a reading. Errors:
 * ETIMEDOUT, KISS_OF_DEATH, NOT_SYNCHRONIZED, and the reason of `signal`, which ends it.
 */
export async function readServer(
  socket: DatagramSocket,
  question: NtpQuestion,
  signal: AbortSignal,
): Promise<NtpReading> {
  const { answers, asked, failure } = await askAll(socket, question, signal);
  const [first, ...others] = answers;
  if (first === undefined) throw failure ?? unanswered(socket, signal);
  // The question that was refused is not lost.
  const lost = asked - answers.length - (failure === null ? 0 : 1);
  return { ...readingOf(socket, [first, ...others]), lost, endedBy: failure };
}

interface Answers {
  answers: NtpAnswer[];
  asked: number;
  failure: SocketError | null;
}

async function askAll(socket: DatagramSocket, question: NtpQuestion, signal: AbortSignal): Promise<Answers> {
  const { samples, version, intervalMs, timeoutMs } = question;
  const deadline = Date.now() + timeoutMs;
  const answers: NtpAnswer[] = [];
  let asked = 0;
  try {
    while (asked < samples && !signal.aborted) {
      const pauseMs = asked === 0 ? 0 : intervalMs;
      // No question that there is no time left to answer.
      if (Date.now() + pauseMs >= deadline) break;
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      const waitMs = (deadline - Date.now()) / (samples - asked);
      asked += 1;
      const answer = await askOnce(socket, version, waitMs, signal);
      if (answer !== null) answers.push(answer);
    }
    return { answers, asked, failure: null };
  } catch (error) {
    return { answers, asked, failure: SocketError.fromSystem(error) };
  }
}

function readingOf(
  socket: DatagramSocket,
  answers: readonly [NtpAnswer, ...NtpAnswer[]],
): Omit<NtpReading, 'lost' | 'endedBy'> {
  const chosen = answers.reduce((best, each) => (each.sample.delayMs < best.sample.delayMs ? each : best));
  const { packet, sample: best } = chosen;
  const samples = answers.map(({ sample }) => sample);
  const jitterMs = jitterOf(best, samples);
  const rootDistanceMs =
    (packet.rootDelayMs + best.delayMs) / 2 + packet.rootDispersionMs + best.dispersionMs + jitterMs;
  return {
    remote: internetPeerOf(socket),
    packet,
    best,
    jitterMs,
    rootDistanceMs,
    samples,
    ignored: answers.reduce((sum, { ignored }) => sum + ignored, 0),
  };
}
