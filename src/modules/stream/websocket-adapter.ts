import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { ServerOptions, WebSocketServer } from 'ws';
import { BEARER_SUBPROTOCOL, type Gate } from '../auth/gate.js';
import type { Refusals } from '../auth/refusal.js';
import { NosniffResponse } from '../common/nosniff-response.js';
import { ProblemError } from '../problems/problem.js';
import { ClientReads } from './wire/client-reads.js';

/**
 * Nest's adapter for `ws`, with the doors in order: who may not come in is answered over HTTP, before
 * the upgrade; what is not a WebSocket path is 404. Messages do not pass through Nest: its pipeline
 * turns each frame, binary ones too, into text and back, and keeps no order among messages.
 */
export class WebSocketAdapter extends WsAdapter {
  constructor(
    app: INestApplication,
    private readonly gate: Gate,
    private readonly refusals: Refusals,
    private readonly maxMessageBytes: number,
  ) {
    super(app);
  }

  override create(
    port: number,
    options: Record<string, unknown> & { path?: string; subprotocol?: string },
  ): WebSocketServer {
    const { subprotocol, ...rest } = options;
    const server: ServerOptions = {
      ...rest,
      maxPayload: this.maxMessageBytes,
      // Bytes of sockets are often random or compressed already; deflate costs five times the CPU.
      perMessageDeflate: false,
      handleProtocols: (offered) => selectProtocol(offered, subprotocol),
    };
    return super.create(port, server as Record<string, unknown>) as WebSocketServer;
  }

  override bindMessageHandlers(): void {
    // The gateways' sessions listen to their WebSockets themselves.
  }

  override bindErrorHandler(server: WebSocketServer): WebSocketServer {
    // What is wrong with a frame is the client's affair, and no line in the log: `ws` closes with the code for it.
    return server;
  }

  protected override ensureHttpServerExists(port: number, httpServer?: Server): Server | undefined {
    if (httpServer === undefined || this.httpServersRegistry.has(port)) return undefined;
    this.httpServersRegistry.set(port, httpServer);
    httpServer.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // A client that is gone before the answer must not end the process.
      socket.on('error', () => socket.destroy());
      if (!asksForWebSocket(request)) {
        this.serveAsRequest(httpServer, request, socket);
        return;
      }
      try {
        this.gate.admit(request);
        const server = this.serverFor(port, request);
        const reads = new ClientReads(socket as Socket);
        request.socket = reads.socket;
        server.handleUpgrade(request, reads.socket, head, (webSocket) => {
          server.emit('connection', webSocket, request, reads);
        });
      } catch (error) {
        this.refusals.connection(socket, error, request);
      }
    });
    return httpServer;
  }

  /**
   * Another protocol was offered, like h2c by some HTTP clients: a server may pass that over (RFC 9110,
   * 7.8). Node before 24 has stopped parsing by then, so what has a body cannot be served any more.
   */
  private serveAsRequest(httpServer: Server, request: IncomingMessage, socket: Duplex): void {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
    if (length !== '0' || coding !== undefined) {
      const detail = 'this Upgrade is not spoken here: send the request without it';
      this.refusals.connection(socket, new ProblemError('bad-request', detail), request);
      return;
    }
    const response = new NosniffResponse(request);
    response.assignSocket(socket as Socket);
    response.setHeader('connection', 'close');
    response.once('finish', () => socket.end());
    httpServer.emit('request', request, response);
  }

  private serverFor(port: number, request: IncomingMessage): WebSocketServer {
    const path = request.url?.split('?', 1)[0];
    const servers = (this.wsServersRegistry.get(port) ?? []) as (WebSocketServer & { path: string })[];
    const server = servers.find((candidate) => candidate.path === path);
    if (server === undefined) throw new ProblemError('not-found', 'no WebSocket here');
    return server;
  }
}

export function asksForWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Our subprotocol if it is offered. A browser that offers only its key gets that repeated: it insists on one. */
function selectProtocol(offered: Set<string>, ours: string | undefined): string | false {
  if (ours !== undefined && offered.has(ours)) return ours;
  const names = [...offered];
  return names.every((name) => name.startsWith(BEARER_SUBPROTOCOL)) ? (names[0] ?? false) : false;
}
