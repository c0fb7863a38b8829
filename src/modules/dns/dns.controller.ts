import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Engine } from '../../sockets/index.js';
import { Operation } from '../common/api.js';
import { goneSignal } from '../common/gone-signal.js';
import type { ProblemType } from '../problems/problem-types.js';
import { LookupDto, lookupDto, LookupQuery, ReverseDto, reverseDto, ReverseQuery } from './lookup.dto.js';
import { RecordsDto } from './answer.dto.js';
import { recordsDto, RecordsQuery } from './records.dto.js';

const RESOLVER_PROBLEMS: readonly ProblemType[] = [
  'validation-failed',
  'not-supported',
  'name-not-resolved',
  'resource-exhausted',
  'timed-out',
];

@ApiTags('questions')
@Controller('v1/dns')
export class DnsController {
  constructor(private readonly engine: Engine) {}

  @Get('lookup')
  @Operation({
    id: 'lookUpHost',
    summary: 'Addresses of a name, by the resolver of this host',
    description: 'getaddrinfo(3): one entry for each address and each type of socket.',
    problems: RESOLVER_PROBLEMS,
  })
  @ApiOkResponse({ type: LookupDto })
  lookup(@Query() query: LookupQuery): Promise<LookupDto> {
    return lookupDto(query);
  }

  @Get('reverse')
  @Operation({
    id: 'lookUpAddress',
    summary: 'Names of an address, by the resolver of this host',
    description: 'gethostbyaddr(3), or with a port or flags getnameinfo(3).',
    problems: RESOLVER_PROBLEMS,
  })
  @ApiOkResponse({ type: ReverseDto })
  reverse(@Query() query: ReverseQuery): Promise<ReverseDto> {
    return reverseDto(query);
  }

  @Get('records')
  @Operation({
    id: 'askForRecords',
    summary: 'Resource records of a name, by the name servers of this host or by others',
    description:
      'One question of its own to each server; nothing is kept. Whatever a server answers is an answer, and its rcode says ' +
      'what: NXDOMAIN and SERVFAIL are no problems. Of several servers each has its entry, with its error where it has no ' +
      'answer; of one, the error is the problem. The example compares the name server of this host over IPv4 and IPv6: ' +
      'where there is none, its entries say so.',
    problems: [
      ...RESOLVER_PROBLEMS,
      'blocked-by-policy',
      'connection-refused',
      'connection-reset',
      'unreachable',
      'tls-failed',
      'bad-answer',
      'address-not-available',
      'payload-too-large',
    ],
  })
  @ApiOkResponse({ type: RecordsDto })
  records(
    @Query() query: RecordsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RecordsDto> {
    return recordsDto(query, this.engine.servers, goneSignal(reply));
  }
}
