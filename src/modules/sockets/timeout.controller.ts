import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine } from '../../sockets/index.js';
import { CHANGING_PROBLEMS, JsonBody, Operation, SocketParam } from '../common/api.js';
import { DurationMs } from '../common/fields.js';

const EXAMPLE_NAME = 'demo-client';

export class TimeoutDto {
  @DurationMs({
    description: 'How long a send may take that does not say itself; null: as long as the limit allows',
    nullable: true,
    min: 1,
    example: 5000,
  })
  timeoutMs!: number | null;
}

@ApiTags('sockets')
@Controller('v1/sockets/:idOrName/timeout')
export class TimeoutController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'getTimeout',
    summary: 'The timeout of a socket: gettimeout()',
    problems: ['not-found', 'gone'],
  })
  @ApiOkResponse({ type: TimeoutDto })
  get(@Param('idOrName') idOrName: string): TimeoutDto {
    return { timeoutMs: this.engine.get(idOrName).timeoutMs };
  }

  @Put()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(TimeoutDto, { timeoutMs: 5000 })
  @Operation({
    id: 'setTimeout',
    summary: 'Set the timeout of a socket: settimeout()',
    description:
      'Holds for sends and STARTTLS that begin from now on and give no `timeoutMs` of their own. Receiving waits as long as `waitMs` says.',
    problems: CHANGING_PROBLEMS,
  })
  @ApiOkResponse({ type: TimeoutDto })
  set(@Param('idOrName') idOrName: string, @Body() { timeoutMs }: TimeoutDto): TimeoutDto {
    this.engine.get(idOrName).changeTimeout(timeoutMs);
    return { timeoutMs };
  }
}
