/** The port of a socket that has one, as the engine or an answer shows it. */
export function portOf(socket: { localAddress: { port: number } | { path: string } }): number {
  if ('port' in socket.localAddress) return socket.localAddress.port;
  throw new Error(`a Unix socket has no port: ${socket.localAddress.path}`);
}

/** The port of the peer of a socket that has one. */
export function peerPortOf({ remoteAddress }: { remoteAddress: { port: number } | object | null }): number {
  if (remoteAddress !== null && 'port' in remoteAddress) return remoteAddress.port;
  throw new Error('no peer with a port');
}
