import type { IncomingMessage } from 'node:http';
import { Inject } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Engine } from '../../../sockets/index.js';
import { CONFIGURATION, type Configuration } from '../../config/configuration.js';
import type { ClientReads } from '../wire/client-reads.js';
import { OpenWebSockets } from '../open-websockets.js';
import { PipeSession } from './pipe-session.js';

export const PIPE_PATH = '/v1/pipe';
/** What websockify and noVNC offer. */
export const PIPE_SUBPROTOCOL = 'binary';

/** One socket on one WebSocket, in the wire format of websockify. */
@WebSocketGateway({ path: PIPE_PATH, subprotocol: PIPE_SUBPROTOCOL })
export class PipeGateway implements OnGatewayConnection<WebSocket> {
  constructor(
    private readonly engine: Engine,
    private readonly open: OpenWebSockets,
    @Inject(CONFIGURATION) private readonly configuration: Configuration,
  ) {}

  handleConnection(webSocket: WebSocket, request: IncomingMessage, reads: ClientReads): void {
    const query = new URLSearchParams(request.url?.split('?', 2)[1] ?? '');
    new PipeSession(webSocket, reads, this.engine, query, this.configuration.maxBodyBytes);
    this.open.add(webSocket, reads.socket);
  }
}
