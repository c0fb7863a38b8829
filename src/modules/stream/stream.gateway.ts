import type { IncomingMessage } from 'node:http';
import { Inject } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Engine } from '../../sockets/index.js';
import { CONFIGURATION, type Configuration } from '../config/configuration.js';
import { EventFeed } from '../engine/event-feed.js';
import type { ClientReads } from './wire/client-reads.js';
import { CreditBudget } from './channels/credit-budget.js';
import { OpenWebSockets } from './open-websockets.js';
import { StreamSession } from './stream-session.js';

export const STREAM_PATH = '/v1/stream';
export const STREAM_SUBPROTOCOL = 'sockeye.v1';

/** Many sockets on one WebSocket. The session must listen in the tick of the connection: frames may be there already. */
@WebSocketGateway({ path: STREAM_PATH, subprotocol: STREAM_SUBPROTOCOL })
export class StreamGateway implements OnGatewayConnection<WebSocket> {
  constructor(
    private readonly engine: Engine,
    private readonly feed: EventFeed,
    private readonly open: OpenWebSockets,
    private readonly credits: CreditBudget,
    @Inject(CONFIGURATION) private readonly configuration: Configuration,
  ) {}

  handleConnection(webSocket: WebSocket, _request: IncomingMessage, reads: ClientReads): void {
    const { maxBodyBytes } = this.configuration;
    new StreamSession(webSocket, reads, this.engine, this.feed, this.credits, maxBodyBytes);
    this.open.add(webSocket, reads.socket);
  }
}
