import { type Peer } from './peer.js';
import { type Program } from './program.js';

/** A program that dials its target for each WebSocket that opens, in the wire format of websockify. */
export function bridge(
  program: Program,
  port: number,
  path = '/',
  stop: () => Promise<void> = () => program.stop(),
): Peer {
  const door = { port, path, subprotocol: 'binary', socketIds: [] };
  const release = async (): Promise<void> => {};
  return { name: program.name, pid: program.pid, open: async () => ({ door, release }), stop };
}
