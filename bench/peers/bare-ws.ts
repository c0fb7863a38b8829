import { fileURLToPath } from 'node:url';
import { bridge } from './bridge.js';
import { type PeerKind } from './peer.js';
import { Program } from './program.js';

const PROGRAM = fileURLToPath(new URL('../baselines/bare-ws.js', import.meta.url));

/** Our own bare `net` + `ws` bridge: what a Node developer would write in an hour. */
export const bareWs: PeerKind = {
  name: 'bare net + ws',
  async start(targetPort) {
    const program = new Program(this.name, process.execPath, [PROGRAM, String(targetPort)]);
    const port = await program.port(/127\.0\.0\.1:(\d+)/);
    return bridge(program, port);
  },
};
