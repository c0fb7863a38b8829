import { createServer, type RequestListener, type Server } from 'node:http';
import { randomUUID } from 'node:crypto';
import { Readable, type Duplex } from 'node:stream';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { AppModule } from './app.module.js';
import { rememberCaller } from './modules/auth/callers.js';
import { Gate } from './modules/auth/gate.js';
import { Refusals } from './modules/auth/refusal.js';
import { Tickets } from './modules/auth/tickets.js';
import { parseJson } from './modules/common/json.js';
import { NosniffResponse } from './modules/common/nosniff-response.js';
import { StrictPipe } from './modules/common/validation.js';
import type { Configuration } from './modules/config/configuration.js';
import { descriptorShares } from './modules/config/descriptors.js';
import { asyncApiDocument } from './modules/docs/asyncapi-document.js';
import { openApiDocument } from './modules/docs/openapi-document.js';
import { DOCS_PATH, swaggerUiIsland } from './modules/docs/swagger-ui.js';
import { createLogger, NestLogger } from './modules/logging/logger.js';
import { logRequests } from './modules/logging/request-log.js';
import { logSockets } from './modules/logging/socket-log.js';
import { invalid, PROBLEM_MEDIA_TYPE, ProblemError, problemOf } from './modules/problems/problem.js';
import { ProblemFilter } from './modules/problems/problem.filter.js';
import { WEBSOCKET_DESCRIPTION } from './modules/stream/description.js';
import { asksForWebSocket, WebSocketAdapter } from './modules/stream/websocket-adapter.js';
import { Engine } from './sockets/index.js';

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Node looks for requests that are too slow only this often; its default of 30 s makes the others useless. */
const SLOW_REQUEST_CHECK_MS = 1_000;
const MAX_PATH_PART = 200;

export interface Documents {
  openApi: () => object;
  asyncApi: () => object;
}

export interface Application {
  app: NestFastifyApplication;
  documents: Documents;
}

/** One application, the same for the start, the tests and the documents. Listens nowhere yet. */
export async function createApplication(configuration: Configuration): Promise<Application> {
  const logger = createLogger(configuration.logLevel);
  const tickets = new Tickets();
  const gate = new Gate(configuration, tickets);
  const refusals = new Refusals(logger);
  const documents: Documents = { openApi: () => ({}), asyncApi: () => ({}) };
  const adapter = new FastifyAdapter({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // A logger of its own for each request costs more than its one line, which says the id by itself.
    childLoggerFactory: (parent: FastifyBaseLogger) => parent,
    bodyLimit: configuration.maxBodyBytes,
    routerOptions: { maxParamLength: MAX_PATH_PART },
    serverFactory: (handler: RequestListener) =>
      guardedServer(
        gate,
        refusals,
        handler,
        swaggerUiIsland(() => documents.openApi()),
      ),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      refusePath(error, request, reply);
    },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Duplex) =>
      refuseMalformed(refusals, error, socket),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(configuration, tickets),
    adapter,
    {
      bodyParser: false,
      logger: new NestLogger(logger),
      abortOnError: false,
    },
  );
  app.useGlobalPipes(new StrictPipe());
  app.useGlobalFilters(new ProblemFilter());
  app.useWebSocketAdapter(new WebSocketAdapter(app, gate, refusals, configuration.maxBodyBytes));
  const fastify: FastifyInstance = adapter.getInstance();
  acceptBodies(fastify);
  const { control } = descriptorShares(configuration.limits.maxSockets);
  if (Number.isFinite(control)) fastify.server.maxConnections = control;
  announceStreams(fastify);
  logRequests(fastify);
  logSockets(app.get(Engine), logger);
  documents.openApi = once(() => openApiDocument(app));
  documents.asyncApi = once(() => asyncApiDocument(app, WEBSOCKET_DESCRIPTION));
  fastify.get('/openapi.json', () => documents.openApi());
  fastify.get('/asyncapi.json', () => documents.asyncApi());
  return { app, documents };
}

/** Every request passes the gate before Fastify or Express sees it; upgrades pass it in the WebSocket adapter. */
function guardedServer(gate: Gate, refusals: Refusals, api: RequestListener, docs: RequestListener): Server {
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: SLOW_REQUEST_CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAlive: true,
    ServerResponse: NosniffResponse,
    // Known to Node 24; before, the WebSocket adapter sorts out what is no WebSocket.
    shouldUpgradeCallback: asksForWebSocket,
  };
  return createServer(options, (request, response) => {
    try {
      if (request.url?.startsWith('/') !== true)
        throw new ProblemError('bad-request', 'the request target must be a path');
      rememberCaller(request, gate.admit(request));
    } catch (error) {
      refusals.request(request, response, error);
      return;
    }
    const path = request.url.split('?', 1)[0] ?? '';
    if (path === DOCS_PATH || path.startsWith(`${DOCS_PATH}/`)) docs(request, response);
    else api(request, response);
  });
}

/** JSON is UTF-8 (RFC 8259, 8.1); what is not valid is refused, not replaced. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** JSON and bare bytes; a form, which any page can send without asking, is not among them. */
function acceptBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    // Many clients name the type of every request; without a byte it is a request without a body.
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    try {
      done(null, parseJson(utf8.decode(body as Buffer)));
    } catch (error) {
      done(
        invalid([
          { pointer: '', detail: `is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` },
        ]),
      );
    }
  });
}

/** The caller of a stream that has nothing yet sees at once that it has begun: headers do not wait for a byte. */
function announceStreams(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    done(null, payload); // sets the headers and starts the stream before it returns
    const isOpenEnded = payload instanceof Readable && !reply.hasHeader('content-length');
    if (isOpenEnded && !reply.raw.headersSent) reply.raw.flushHeaders();
  });
}

/** A path that cannot be decoded, or is too long: no route, and so no filter, is ever asked. */
function refusePath(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const found = problemOf(invalid([{ pointer: '', detail: error.message }]));
  void reply
    .status(found.status)
    .type(PROBLEM_MEDIA_TYPE)
    .send({ ...found, requestId: request.id });
}

/** What is not HTTP, or too slow, or too large in its headers. */
function refuseMalformed(refusals: Refusals, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  refusals.connection(
    socket,
    new ProblemError('bad-request', `the request cannot be read: ${error.code ?? 'malformed'}`),
  );
}

function once(make: () => object): () => object {
  let made: object | null = null;
  return () => (made ??= make());
}
