/** The port of a socket that has one, as the engine or an answer shows it. */
export function portOf(socket: { localAddress: { port: number } | { path: string } }): number {
  if ('port' in socket.localAddress) return socket.localAddress.port;
  throw new Error(`a Unix socket has no port: ${socket.localAddress.path}`);
}
