import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** For programs that do not tell where they listen, or are to be asked before they do. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
