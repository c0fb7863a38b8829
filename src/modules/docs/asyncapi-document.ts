import { Module, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { VERSION } from '../common/version.js';

/** For each event the classes that its data may be of; none: anything. */
type MessageTypes = Readonly<Record<string, readonly (new () => object)[]>>;

/** The WebSocket side as its gateways describe it. */
export interface WebSocketDescription {
  clientEvents: MessageTypes;
  serverEvents: MessageTypes;
  pipeQuery: new () => object;
  streamPath: string;
  streamSubprotocol: string;
  pipePath: string;
}

/** A module without routes: only the models are wanted, not the paths. */
@Module({})
class AsyncApiModels {}

type Schemas = Record<string, unknown>;

/** AsyncAPI 3.0, from the tables that the gateway itself goes by. */
export function asyncApiDocument(app: INestApplication, described: WebSocketDescription): object {
  const { clientEvents, serverEvents, pipeQuery, streamPath, streamSubprotocol, pipePath } = described;
  const { [pipeQuery.name]: query, ...schemas } = schemasOf(app, [
    ...Object.values(clientEvents).flat(),
    ...Object.values(serverEvents).flat(),
    pipeQuery,
  ]);
  const fromClient = messages(clientEvents, 'client');
  const fromServer = messages(serverEvents, 'server');
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Sockeye WebSocket gateway',
      version: VERSION,
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
      description: 'Bytes of sockets over WebSocket. The HTTP side is described in `/openapi.json`.',
    },
    defaultContentType: 'application/json',
    servers: { local: { host: '127.0.0.1:3000', protocol: 'ws', description: 'Where `npm start` listens' } },
    channels: {
      stream: {
        address: streamPath,
        description: `Many sockets on one WebSocket. Subprotocol \`${streamSubprotocol}\`; a browser adds \`sockeye.bearer.<key>\`, or \`?ticket=\` of \`POST /v1/tickets\`.`,
        messages: {
          ...fromClient,
          ...fromServer,
          bytesFromClient: BYTES_FROM_CLIENT,
          bytesFromServer: BYTES_FROM_SERVER,
        },
        bindings: { ws: { bindingVersion: '0.1.0' } },
      },
      pipe: {
        address: pipePath,
        description:
          'One socket as plain binary messages, as websockify does it. Subprotocol `binary` is accepted.',
        messages: { bytes: PLAIN_BYTES },
        bindings: { ws: { query, bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      receiveFromClient: operation(
        'receive',
        'stream',
        [...Object.keys(fromClient), 'bytesFromClient'],
        'What a client can send',
      ),
      sendToClient: operation(
        'send',
        'stream',
        [...Object.keys(fromServer), 'bytesFromServer'],
        'What the server sends',
      ),
      receiveBytes: operation('receive', 'pipe', ['bytes'], 'Bytes for the socket'),
      sendBytes: operation('send', 'pipe', ['bytes'], 'Bytes that the socket received'),
    },
    components: { schemas },
  };
}

const FRAME_LAYOUT = `Big endian: type u8 (1 stream bytes, 2 datagrams), flags u8 (0), reserved u16 (0), channel u32, offset u64
of the first byte, or sequence number of the first datagram (0 from the client), then the bytes; or records, one for each datagram:
length u32 of the payload, time u64 (microseconds since 1970; 0 from the client), port u16, address length u8 (4, 16, that of a path;
0 from the client: to the connected peer), pad u8 (0), address, payload.`;

const BYTES_FROM_CLIENT = binary(
  'bytesFromClient',
  `Bytes to send on a channel, as far as its \`credit\` goes. ${FRAME_LAYOUT}`,
);
const BYTES_FROM_SERVER = binary(
  'bytesFromServer',
  `Bytes that a channel's socket received. ${FRAME_LAYOUT}`,
);
const PLAIN_BYTES = binary('bytes', 'Bytes of the socket, nothing added');

function binary(name: string, summary: string): object {
  return {
    name,
    summary,
    contentType: 'application/octet-stream',
    payload: { type: 'string', format: 'binary' },
  };
}

function messages(events: MessageTypes, from: 'client' | 'server'): Record<string, object> {
  return Object.fromEntries(
    Object.entries(events).map(([event, types]) => [
      `${event}From${from === 'client' ? 'Client' : 'Server'}`,
      { name: event, contentType: 'application/json', payload: envelope(event, types) },
    ]),
  );
}

function envelope(event: string, types: MessageTypes[string]): object {
  const [data, ...others] = types.map(({ name }) => ({ $ref: `#/components/schemas/${name}` }));
  return {
    type: 'object',
    required: data === undefined ? ['event'] : ['event', 'data'],
    properties: {
      event: { type: 'string', const: event },
      data:
        data === undefined
          ? { description: 'Anything' }
          : others.length === 0
            ? data
            : { oneOf: [data, ...others] },
      ref: { description: 'Anything; an answer repeats it' },
    },
  };
}

function operation(action: 'send' | 'receive', channel: string, names: string[], summary: string): object {
  const messageRefs = names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));
  return { action, channel: { $ref: `#/channels/${channel}` }, summary, messages: messageRefs };
}

/** JSON Schema of the classes that messages are checked against: the same decorators, read by Nest. */
function schemasOf(app: INestApplication, extraModels: (new () => object)[]): Schemas {
  const config = new DocumentBuilder().setOpenAPIVersion('3.1.0').build();
  const { components } = SwaggerModule.createDocument(app, config, {
    include: [AsyncApiModels],
    extraModels,
  });
  return components?.schemas ?? {};
}
