import { Controller, Get, Headers, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOkResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Engine } from '../../sockets/index.js';
import { EVENT_STREAM, Operation } from '../common/api.js';
import { isWanted, MissedDto, SocketEventDto } from '../common/event.dto.js';
import { goneSignal } from '../common/gone-signal.js';
import { EventFeed } from '../engine/event-feed.js';
import { invalid } from '../problems/problem.js';
import { eventStream } from './event-stream.js';
import { EventsQuery } from './events.dto.js';

const EXAMPLE = `id: 1792000000000042
event: closed
data: {"id":1792000000000042,"name":"closed","time":"2026-10-14T21:20:00.000Z","socketId":"con_5f0c9a1e7d5b4c559d1e0c6f", ...}

`;

/** OpenAPI 3.1 has no word for the items of a stream; what JSON Schema has is for the content of a string. */
const STREAM = {
  type: 'string',
  contentMediaType: EVENT_STREAM,
  contentSchema: {
    description: 'The `data` of one event',
    oneOf: [{ $ref: getSchemaPath(SocketEventDto) }, { $ref: getSchemaPath(MissedDto) }],
  },
};

/** The life of all sockets, for who wants to see it over plain HTTP. */
@ApiTags('events')
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly engine: Engine,
    private readonly feed: EventFeed,
  ) {}

  @Get()
  @Operation({
    id: 'streamEvents',
    summary: 'Follow the events of sockets, as server-sent events',
    description:
      'Never ends by itself. Each event is `id:` (grows by one), `event:` (its name) and `data:` (JSON, `SocketEventDto`). ' +
      'Events that are not remembered any more are told as one event `missed` (`MissedDto`) before what follows them. ' +
      'Lines that begin with `:` are signs of life.',
    problems: ['validation-failed', 'not-found'],
  })
  @ApiExtraModels(SocketEventDto, MissedDto)
  @ApiHeader({
    name: 'Last-Event-ID',
    description: 'The events after this one come first. A browser says it when it comes back',
    required: false,
    schema: { type: 'string', pattern: '^\\d{1,16}$' },
  })
  @ApiOkResponse({
    description: 'Events, as they come',
    content: { [EVENT_STREAM]: { schema: STREAM, example: EXAMPLE } },
  })
  stream(
    @Query() query: EventsQuery,
    @Headers('last-event-id') header: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): StreamableFile {
    this.feed.requireListener(query.listenerId);
    const names = query.events?.split(',');
    const cursor = this.feed.follow(placeOf(header, query) ?? this.feed.lastId);
    const events = eventStream(this.feed, {
      wanted: (event) => isWanted(event, query, names),
      cursor,
      ends: [goneSignal(reply), this.engine.stopSignal],
      cut: () => reply.raw.destroy(),
    });
    void reply.header('cache-control', 'no-store');
    return new StreamableFile(Readable.from(events, { objectMode: false }), { type: EVENT_STREAM });
  }
}

/** Which event the caller has had; the header is what a browser knows better than its address. */
function placeOf(header: string | undefined, { lastEventId }: EventsQuery): number | undefined {
  if (header === undefined || header === '') return lastEventId;
  if (/^\d{1,16}$/.test(header)) return Number(header);
  throw invalid([{ pointer: '/lastEventId', detail: 'Last-Event-ID is not the id of an event' }]);
}
