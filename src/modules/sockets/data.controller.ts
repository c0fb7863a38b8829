import {
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  StreamableFile,
} from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  DatagramLog,
  Engine,
  follow,
  readAt,
  readDatagramsAt,
  receiveAs,
  receiveDatagramsAs,
  receiveUrgent,
  sendTo,
  SocketError,
  type DatagramsRequest,
  type ReadRequest,
} from '../../sockets/index.js';
import type { ProblemType } from '../problems/problem-types.js';
import { CHANGING_PROBLEMS, JsonBody, OctetStream, Operation, SocketParam } from '../common/api.js';
import { goneSignal } from '../common/gone-signal.js';
import { bytesAnswer, datagramsAnswer, OCTET_STREAM } from './data-answer.js';
import {
  CommitBody,
  CommittedAnswer,
  ApiDataAnswer,
  DataAnswer,
  DatagramListAnswer,
  type Payload,
  ReadQuery,
  requireUrgentAlone,
  ReceiveBody,
  SendBody,
  SendQuery,
  SentAnswer,
} from './data.dto.js';
import { parseDestination, PayloadPipe } from './payload.pipe.js';

const EXAMPLE_NAME = 'demo-client';

/** The end of a wait that never begins: most reads want what is there. */
const NO_WAIT = AbortSignal.abort();

/** What a send can answer; a datagram that says where to, as a connect does. */
const SENDING_PROBLEMS: readonly ProblemType[] = [
  ...CHANGING_PROBLEMS,
  'blocked-by-policy',
  'permission-denied',
  'conflict',
  'address-not-available',
  'not-supported',
  'connection-refused',
  'connection-reset',
  'unreachable',
  'name-not-resolved',
  'resource-exhausted',
  'timed-out',
];

/** Bytes of a socket over plain HTTP: send, recv, and the cursors of readers. */
@ApiTags('data')
@Controller('v1/sockets/:idOrName')
export class DataController {
  constructor(private readonly engine: Engine) {}

  @Post('data')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(SendBody, { data: 'hello\n', encoding: 'utf8' })
  @OctetStream('request')
  @Operation({
    id: 'sendData',
    summary: 'Send bytes, or a datagram',
    description:
      'Answers after the kernel took the bytes. If the peer does not read, it ends after `timeoutMs` with the ' +
      'problem `timed-out`, whose `bytesSent` says how many bytes belong to the stream: go on after them. On a datagram ' +
      'socket each send is one datagram, to the connected peer or to `to`.',
    problems: SENDING_PROBLEMS,
  })
  @ApiOkResponse({ type: SentAnswer })
  async send(
    @Param('idOrName') idOrName: string,
    @Query() { mode, oob: urgent, timeoutMs, to: asked }: SendQuery,
    @Body(PayloadPipe) { data, to }: Payload,
  ): Promise<SentAnswer> {
    if (urgent) requireUrgentAlone('/mode', mode === 'all');
    const socket = this.engine.dataSocket(idOrName);
    const there = asked === undefined ? to : parseDestination(asked, socket.family);
    return { bytesSent: await sendTo(socket, data, { to: there, mode, urgent, timeoutMs }) };
  }

  @Get('data')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @OctetStream('response')
  @Operation({
    id: 'readData',
    summary: 'Read received bytes without consuming them',
    description:
      'JSON, or with `Accept: application/octet-stream` the bare bytes, their offsets in the headers. Nothing ' +
      'within `waitMs` is no error. Bytes that are gone: 410, with the gap. `follow=true` streams bare bytes until ' +
      'the end; a gap cuts such an answer off. A datagram socket answers datagrams, or the bare payload of one.',
    problems: ['validation-failed', 'not-found', 'conflict', 'gone', 'not-supported', 'quota-exceeded'],
  })
  @ApiDataAnswer()
  async read(
    @Param('idOrName') idOrName: string,
    @Query() query: ReadQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataAnswer | DatagramListAnswer | Buffer | StreamableFile> {
    const { log } = this.engine.dataSocket(idOrName);
    const offset =
      query.offset ?? (query.reader === undefined ? log.committedOffset : log.nextOffsetOf(query.reader));
    const asked = this.readRequest(query, request, reply);
    if (log instanceof DatagramLog) {
      if (query.follow) throw new SocketError('EOPNOTSUPP', 'datagrams have bounds, a bare stream has none');
      return datagramsAnswer(await readDatagramsAt(log, offset, asked), asked.encoding, reply);
    }
    if (!query.follow) return bytesAnswer(await readAt(log, offset, asked), query.encoding, reply);
    void reply.header('sockeye-offset', offset);
    const pieces = follow(log, offset, query.reader ?? null, goneSignal(reply));
    // A bare stream Nest would read from before it answers; this one begins with the headers.
    return new StreamableFile(Readable.from(pieces, { objectMode: false }), { type: OCTET_STREAM });
  }

  @Post('receive')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(
    ReceiveBody,
    { maxBytes: 65536, waitMs: 0, encoding: 'utf8', reader: 'main' },
    { required: false },
  )
  @OctetStream('response')
  @Operation({
    id: 'receiveData',
    summary: 'Receive: read and consume',
    description:
      'recv(2): reads on from where this reader stands, and commits what it answers. After a gap (410) it goes on ' +
      'behind it. While a WebSocket is attached under that name: 409.',
    problems: [...CHANGING_PROBLEMS, 'conflict', 'not-supported', 'quota-exceeded'],
  })
  @ApiDataAnswer()
  async receive(
    @Param('idOrName') idOrName: string,
    @Body() body: ReceiveBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataAnswer | DatagramListAnswer | Buffer | StreamableFile> {
    const socket = this.engine.dataSocket(idOrName);
    const { log } = socket;
    const asked = this.readRequest(body, request, reply);
    if (body.oob) {
      requireUrgentAlone('/waitMs', body.waitMs === 0);
      return bytesAnswer(receiveUrgent(socket, body.reader, asked.encoding), body.encoding, reply);
    }
    if (log instanceof DatagramLog) {
      const answer = await receiveDatagramsAs(log, body.reader, asked);
      return datagramsAnswer(answer, asked.encoding, reply);
    }
    return bytesAnswer(await receiveAs(log, body.reader, asked), body.encoding, reply);
  }

  @Post('commit')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(CommitBody, { offset: 0, reader: 'main' })
  @Operation({
    id: 'commit',
    summary: 'Commit: everything before an offset may go',
    description: 'An older offset than the last one changes nothing.',
    problems: [...CHANGING_PROBLEMS, 'conflict', 'quota-exceeded'],
  })
  @ApiOkResponse({ type: CommittedAnswer })
  commit(@Param('idOrName') idOrName: string, @Body() { offset, reader }: CommitBody): CommittedAnswer {
    const { log } = this.engine.dataSocket(idOrName);
    return { reader, committedOffset: log.commit(reader, offset) };
  }

  private readRequest(
    { maxBytes, maxDatagrams, waitMs, encoding }: ReadQuery | ReceiveBody,
    request: FastifyRequest,
    reply: FastifyReply,
  ): ReadRequest & DatagramsRequest {
    const signal = waitMs === 0 ? NO_WAIT : this.endOfInterest(reply);
    // Bare bytes have no bounds in them: one datagram an answer.
    if (request.headers.accept?.includes(OCTET_STREAM) === true)
      return { maxBytes, maxDatagrams: 1, waitMs, encoding: null, signal };
    return { maxBytes, maxDatagrams, waitMs, encoding, signal };
  }

  /** Nothing is waited for once the caller has gone, or the service stops: a poll is answered as it is. */
  private endOfInterest(reply: FastifyReply): AbortSignal {
    const end = new AbortController();
    const abort = (): void => end.abort();
    this.engine.stopSignal.addEventListener('abort', abort);
    reply.raw.once('close', () => {
      this.engine.stopSignal.removeEventListener('abort', abort);
      abort();
    });
    if (this.engine.stopSignal.aborted) abort();
    return end.signal;
  }
}
