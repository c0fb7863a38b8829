import { fileURLToPath } from 'node:url';
import { bridge } from './bridge.js';
import { type PeerKind } from './peer.js';
import { Program } from './program.js';

const PROGRAM = fileURLToPath(new URL('../baselines/frame-each.js', import.meta.url));
const CONNECTIONS = '100';

/** 100 connections on one WebSocket, one frame for each message. */
export const frameEach: PeerKind = {
  name: 'bare net + ws, one frame each',
  async start(targetPort) {
    const program = new Program(this.name, process.execPath, [PROGRAM, String(targetPort), CONNECTIONS]);
    const port = await program.port(/127\.0\.0\.1:(\d+)/);
    return bridge(program, port);
  },
};
