import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Operation } from '../common/api.js';
import type { ProblemType } from '../problems/problem-types.js';
import { LookupDto, lookupDto, LookupQuery, ReverseDto, reverseDto, ReverseQuery } from './lookup.dto.js';

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
}
