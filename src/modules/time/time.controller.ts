import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  askDaytime,
  askTime,
  compareServers,
  parseServer,
  readClock,
  type TimeQuestion,
} from '../../network/index.js';
import { Engine } from '../../sockets/index.js';
import { Operation } from '../common/api.js';
import { goneSignal } from '../common/gone-signal.js';
import type { ProblemType } from '../problems/problem-types.js';
import { NtpDto, ntpDto } from './ntp.dto.js';
import { DaytimeQuery, NtpQuery, TimeProtocolQuery } from './server.dto.js';
import { DaytimeDto, daytimeDto, TimeProtocolDto, timeProtocolDto } from './time-protocols.dto.js';
import { TimeDto, timeDto } from './time.dto.js';

/** What asking a server can answer. */
const ASKING_PROBLEMS: readonly ProblemType[] = [
  'validation-failed',
  'blocked-by-policy',
  'not-synchronized',
  'name-not-resolved',
  'connection-refused',
  'connection-reset',
  'unreachable',
  'not-supported',
  'resource-exhausted',
  'timed-out',
];

@ApiTags('questions')
@Controller('v1/time')
export class TimeController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @Operation({ id: 'getTime', summary: "The host's own clock" })
  @ApiOkResponse({ type: TimeDto })
  get(): TimeDto {
    return timeDto(readClock());
  }

  @Get('ntp')
  @Operation({
    id: 'askNtp',
    summary: 'Ask NTP servers for the time',
    description:
      "NTP (RFC 5905) as a client: how far the clock of a server is ahead of this host's, and how sure that is. " +
      'Only an answer to the very question counts; a server that says it is not synchronized, or asks to be left ' +
      'alone (`kissCode`), is a problem. Of several servers the surest is told, and each in `servers`; it is a ' +
      'problem only when none has answered. The example asks UDP port 7123 of this host, and needs a server there.',
    problems: [...ASKING_PROBLEMS, 'kiss-of-death'],
  })
  @ApiOkResponse({ type: NtpDto })
  async ntp(
    @Query() { server, port, ...question }: NtpQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NtpDto> {
    const servers = server.map((text) => parseServer(text, port));
    return ntpDto(await compareServers(this.engine, servers, question, goneSignal(reply)));
  }

  @Get('daytime')
  @Operation({
    id: 'askDaytime',
    summary: 'Ask a daytime server',
    description:
      'RFC 867: a line for people, over TCP or UDP. The example asks a listener that an example of `POST /v1/listeners` makes.',
    problems: ASKING_PROBLEMS,
  })
  @ApiOkResponse({ type: DaytimeDto })
  async daytime(
    @Query() query: DaytimeQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DaytimeDto> {
    const question = questionOf(query);
    return daytimeDto(question.host, await askDaytime(this.engine, question, goneSignal(reply)));
  }

  @Get('time')
  @Operation({
    id: 'askTime',
    summary: 'Ask a server of the time protocol',
    description:
      'RFC 868: the seconds since 1900, over TCP or UDP. The example asks a listener that an example of `POST /v1/listeners` makes.',
    problems: ASKING_PROBLEMS,
  })
  @ApiOkResponse({ type: TimeProtocolDto })
  async time(
    @Query() query: TimeProtocolQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TimeProtocolDto> {
    const question = questionOf(query);
    return timeProtocolDto(question.host, await askTime(this.engine, question, goneSignal(reply)));
  }
}

function questionOf({ server, port, protocol, timeoutMs }: DaytimeQuery | TimeProtocolQuery): TimeQuestion {
  return { ...parseServer(server, port), transport: protocol, timeoutMs };
}
