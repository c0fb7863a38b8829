import type { WebSocket } from 'ws';
import type { WebSocketWriter } from './websocket-writer.js';

/**
 * Reads on from a client while more of it is wanted, and it does not leave its answers unread: pongs among them.
 * One whose WebSocket closes is read from in any case: its own close comes last.
 */
export function readWhile(isWanted: boolean, webSocket: WebSocket, writer: WebSocketWriter): void {
  const stop = (!isWanted || writer.isOverfull) && writer.isOpen;
  if (stop && !webSocket.isPaused) webSocket.pause();
  else if (!stop && webSocket.isPaused) webSocket.resume();
}
