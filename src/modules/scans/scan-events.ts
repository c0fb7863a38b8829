import type { PortState, Scan } from '../../sockets/index.js';
import { CHUNK_CHARACTERS, eventBlock, serverSentEvents } from '../common/server-sent-events.js';
import { scanDto, scanResultDto, type Names } from './scans.dto.js';

/** Who follows a scan. */
export interface ScanFollowing {
  /** How many results the caller has had. */
  from: number;
  /** Only ports in this state; null: all. */
  state: PortState | null;
  ends: readonly AbortSignal[];
  cut: () => void;
}

const RESULTS_AT_ONCE = 500;

/** An event for each result, whose id is its number, and one event `end`; a caller that comes back goes on. */
export function scanEvents(scan: Scan, names: Names, following: ScanFollowing): AsyncGenerator<string> {
  const { state, ends, cut } = following;
  let at = Math.min(following.from, scan.results.length);
  let isTold = false;
  const next = (): string => {
    let chunk = '';
    while (chunk.length < CHUNK_CHARACTERS && at < scan.results.length) {
      const { positions, next: behind } = scan.results.page(at, RESULTS_AT_ONCE, state);
      for (const one of positions)
        chunk += eventBlock(one + 1, 'result', scanResultDto(scan.result(one), names));
      at = behind;
    }
    if (chunk !== '' || scan.state === 'running' || isTold) return chunk;
    isTold = true;
    return eventBlock(at, 'end', scanDto(scan));
  };
  return serverSentEvents({
    next,
    lastId: () => at,
    isOver: () => isTold,
    onNews: (wake) => scan.onNews(wake),
    ends,
    cut,
  });
}
