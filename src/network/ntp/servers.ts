import { SocketError, type Engine, type ServerEnd } from '../../sockets/index.js';
import { askByUdp } from '../time-socket.js';
import { readServer, type NtpQuestion, type NtpReading } from './query.js';

/** What came of asking one of several servers. */
export type ServerOutcome = ServerEnd & ({ reading: NtpReading } | { error: SocketError });

export interface NtpComparison {
  /** The one that is surest of its time. */
  chosen: ServerEnd & { reading: NtpReading };
  /** In the order in which they were asked about. */
  outcomes: readonly ServerOutcome[];
}

/**
 * Asks several servers at the same time and believes the one with the smallest root distance. Where none has answered
 * with a time, it fails as the first one did. Errors: those of Engine.openDatagram and readServer.
 */
export async function compareServers(
  engine: Engine,
  servers: readonly ServerEnd[],
  question: NtpQuestion,
  gone: AbortSignal,
): Promise<NtpComparison> {
  const outcomes = await Promise.all(servers.map((server) => outcomeOf(engine, server, question, gone)));
  const readings = outcomes.filter((outcome) => 'reading' in outcome);
  const [first, ...others] = readings;
  if (first === undefined) throw firstError(outcomes);
  const chosen = others.reduce(
    (best, each) => (each.reading.rootDistanceMs < best.reading.rootDistanceMs ? each : best),
    first,
  );
  return { chosen, outcomes };
}

async function outcomeOf(
  engine: Engine,
  server: ServerEnd,
  question: NtpQuestion,
  signal: AbortSignal,
): Promise<ServerOutcome> {
  const { timeoutMs } = question;
  const deadline = Date.now() + timeoutMs;
  try {
    const reading = await askByUdp(engine, server, { timeoutMs, signal }, (socket, either) =>
      readServer(socket, { ...question, timeoutMs: deadline - Date.now() }, either),
    );
    return { ...server, reading };
  } catch (error) {
    return { ...server, error: SocketError.fromSystem(error) };
  }
}

function firstError(outcomes: readonly ServerOutcome[]): SocketError {
  for (const outcome of outcomes) if ('error' in outcome) return outcome.error;
  return new SocketError('EINVAL', 'no server to ask');
}
