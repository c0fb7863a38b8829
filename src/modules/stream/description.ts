import { CLIENT_EVENTS } from './messages/messages.js';
import { PIPE_PATH } from './pipe/pipe.gateway.js';
import { PipeQuery } from './pipe/pipe.dto.js';
import { SERVER_EVENTS } from './messages/server-messages.js';
import { STREAM_PATH, STREAM_SUBPROTOCOL } from './stream.gateway.js';

/** What the document of the WebSocket side is made from: the tables that the code goes by. */
export const WEBSOCKET_DESCRIPTION = {
  clientEvents: CLIENT_EVENTS,
  serverEvents: SERVER_EVENTS,
  pipeQuery: PipeQuery,
  streamPath: STREAM_PATH,
  streamSubprotocol: STREAM_SUBPROTOCOL,
  pipePath: PIPE_PATH,
};
