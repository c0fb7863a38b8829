import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { OCTET_STREAM_EXTENSION } from '../common/api.js';
import { VERSION } from '../common/version.js';

const DESCRIPTION = `The BSD socket API as a service: create, inspect and close TCP, TLS, UDP and Unix sockets on this host,
and read what they receive, in order and with nothing lost silently. The WebSocket side is described in \`/asyncapi.json\`.

Try it in this order: create a listener, create a client that connects to it, send, receive, close.`;

/** The document of the HTTP side, from the routes as they are. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Sockeye')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .setLicense('MIT', 'https://spdx.org/licenses/MIT.html')
    .addServer('/')
    .addTag('listeners', 'Sockets that wait for connections')
    .addTag('clients', 'Sockets that connect')
    .addTag('sockets', 'Every socket, whatever its kind')
    .addTag('data', 'The bytes of a socket')
    .addTag('multicast', 'Groups of a datagram socket')
    .addTag('events', 'What happens to sockets, as it happens')
    .addTag('exchanges', 'A dialogue with a server, in one call')
    .addTag('scans', 'Which ports are open')
    .addTag('settings', 'What holds for the whole process')
    .addTag(
      'questions',
      'Addresses, byte order, names of services, the host and its clock: no socket is opened',
    )
    .addTag('health', 'For whoever keeps the service running')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'A key, `id.secret`; none in protected mode' },
      'bearer',
    )
    .addBasicAuth(
      { type: 'http', scheme: 'basic', description: 'The same key: id as user, secret as password' },
      'basic',
    )
    .build();
  const document = SwaggerModule.createDocument(app, config);
  // In protected mode no key is needed: the empty requirement says so.
  document.security = [{ bearer: [] }, { basic: [] }, {}];
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path as Record<string, Operation>)) addOctetStream(operation);
  }
  return document;
}

interface Content {
  content?: Record<string, unknown>;
  headers?: Record<string, unknown>;
}

interface Operation {
  requestBody?: Content;
  responses?: Record<string, Content>;
  [OCTET_STREAM_EXTENSION]?: 'request' | 'response' | undefined;
}

/** Bare bytes have no place for these but the headers. */
const OFFSET_HEADERS = {
  'Sockeye-Offset': {
    description: 'Of bare bytes: offset of the first one',
    schema: { type: 'integer', minimum: 0 },
  },
  'Sockeye-Next-Offset': {
    description: 'Of bare bytes: offset to go on from; not with `follow`',
    schema: { type: 'integer', minimum: 0 },
  },
  'Sockeye-Eof': {
    description: 'Of bare bytes: the next offset is where the stream ends; not with `follow`',
    schema: { type: 'boolean' },
  },
};

/** What else bare bytes say where they are a datagram. */
const DATAGRAM_HEADERS = {
  'Sockeye-From': {
    description:
      'Of a datagram: who sent it, `address:port`, `[address]:port` or a path. Without it: there was none',
    schema: { type: 'string' },
  },
  'Sockeye-Time': {
    description: 'Of a datagram: when the kernel received it',
    schema: { type: 'string', format: 'date-time' },
  },
};

/** The decorators know one media type a body; this adds the second one where a route is marked. */
function addOctetStream(operation: Operation): void {
  const where = operation[OCTET_STREAM_EXTENSION];
  operation[OCTET_STREAM_EXTENSION] = undefined;
  const body = where === 'request' ? operation.requestBody : operation.responses?.['200'];
  if (where === undefined || body?.content === undefined) return;
  body.content['application/octet-stream'] = { schema: { type: 'string', format: 'binary' } };
  if (where === 'response') body.headers = { ...OFFSET_HEADERS, ...DATAGRAM_HEADERS };
}
