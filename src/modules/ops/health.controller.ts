import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Operation } from '../common/api.js';
import { ProblemError } from '../problems/problem.js';
import { Readiness } from './readiness.js';

class HealthDto {
  @ApiProperty({ enum: ['ok'] })
  status!: 'ok';
}

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Get('live')
  @Operation({ id: 'live', summary: 'The process answers' })
  @ApiOkResponse({ type: HealthDto })
  live(): HealthDto {
    return { status: 'ok' };
  }

  @Get('ready')
  @Operation({ id: 'ready', summary: 'New work is welcome', problems: ['not-ready'] })
  @ApiOkResponse({ type: HealthDto })
  ready(): HealthDto {
    if (!this.readiness.isReady) throw new ProblemError('not-ready', 'the service is stopping');
    return { status: 'ok' };
  }
}
