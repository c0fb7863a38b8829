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
import { Engine, follow, readAt, receiveAs, type ReadAnswer, type ReadRequest } from '../../sockets/index.js';
import { JsonBody, OctetStream, Operation, SocketParam } from '../common/api.js';
import {
  CommitBody,
  CommittedAnswer,
  DataAnswer,
  ReadQuery,
  ReceiveBody,
  SendBody,
  SendQuery,
  SentAnswer,
} from './data.dto.js';
import { PayloadPipe } from './payload.pipe.js';

const EXAMPLE_NAME = 'demo-client';
const OCTET_STREAM = 'application/octet-stream';

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
    summary: 'Send bytes',
    description:
      'Answers after the kernel took the bytes. If the peer does not read, it ends after `timeoutMs` with the ' +
      'problem `timed-out`, whose `bytesSent` says how many bytes belong to the stream: go on after them.',
    problems: [
      ...(['validation-failed', 'not-found', 'conflict', 'gone', 'payload-too-large'] as const),
      ...([
        'unsupported-media-type',
        'connection-reset',
        'unreachable',
        'resource-exhausted',
        'timed-out',
      ] as const),
    ],
  })
  @ApiOkResponse({ type: SentAnswer })
  async send(
    @Param('idOrName') idOrName: string,
    @Query() { mode, timeoutMs }: SendQuery,
    @Body(PayloadPipe) payload: Buffer,
  ): Promise<SentAnswer> {
    const connection = this.engine.dataSocket(idOrName);
    if (mode === 'some') return { bytesSent: connection.sendSome(payload) };
    return { bytesSent: await connection.sendAll(payload, timeoutMs ?? connection.sendTimeoutMs) };
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
      'the end; a gap cuts such an answer off.',
    problems: ['validation-failed', 'not-found', 'conflict', 'gone', 'quota-exceeded'],
  })
  @ApiOkResponse({ type: DataAnswer })
  async read(
    @Param('idOrName') idOrName: string,
    @Query() query: ReadQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataAnswer | Buffer | StreamableFile> {
    const { log } = this.engine.dataSocket(idOrName);
    const offset =
      query.offset ?? (query.reader === undefined ? log.committedOffset : log.nextOffsetOf(query.reader));
    if (!query.follow)
      return shown(await readAt(log, offset, this.readRequest(query, request, reply)), query, reply);
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
    problems: [
      'validation-failed',
      'not-found',
      'conflict',
      'gone',
      'payload-too-large',
      'unsupported-media-type',
      'quota-exceeded',
    ],
  })
  @ApiOkResponse({ type: DataAnswer })
  async receive(
    @Param('idOrName') idOrName: string,
    @Body() body: ReceiveBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataAnswer | Buffer> {
    const { log } = this.engine.dataSocket(idOrName);
    return shown(await receiveAs(log, body.reader, this.readRequest(body, request, reply)), body, reply);
  }

  @Post('commit')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(CommitBody, { offset: 0, reader: 'main' })
  @Operation({
    id: 'commit',
    summary: 'Commit: everything before an offset may go',
    description: 'An older offset than the last one changes nothing.',
    problems: [
      'validation-failed',
      'not-found',
      'conflict',
      'gone',
      'payload-too-large',
      'unsupported-media-type',
      'quota-exceeded',
    ],
  })
  @ApiOkResponse({ type: CommittedAnswer })
  commit(@Param('idOrName') idOrName: string, @Body() { offset, reader }: CommitBody): CommittedAnswer {
    const { log } = this.engine.dataSocket(idOrName);
    return { reader, committedOffset: log.commit(reader, offset) };
  }

  private readRequest(
    { maxBytes, waitMs, encoding }: ReadQuery | ReceiveBody,
    request: FastifyRequest,
    reply: FastifyReply,
  ): ReadRequest {
    const bare = request.headers.accept?.includes(OCTET_STREAM) === true;
    return { maxBytes, waitMs, encoding: bare ? null : encoding, signal: this.endOfInterest(reply) };
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

/** Aborted when the caller has gone. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

/** As JSON, or as bare bytes with the offsets in the headers. */
function shown(
  answer: ReadAnswer,
  { encoding }: ReadQuery | ReceiveBody,
  reply: FastifyReply,
): DataAnswer | Buffer {
  const { offset, nextOffset, bytes, text, eof } = answer;
  if (text !== null) return { offset, nextOffset, bytes: bytes.length, ...text, encoding, eof };
  void reply
    .type(OCTET_STREAM)
    .header('sockeye-offset', offset)
    .header('sockeye-next-offset', nextOffset)
    .header('sockeye-eof', String(eof));
  return bytes;
}
