import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { describeHost } from '../../network/index.js';
import { Operation } from '../common/api.js';
import { HostDto, hostDto } from './host.dto.js';

@ApiTags('questions')
@Controller('v1/host')
export class HostController {
  @Get()
  @Operation({
    id: 'getHost',
    summary: 'The host that Sockeye runs on: names, interfaces, routes, kernel limits',
    description: 'A hostname that does not resolve is no error: `nameError` says why.',
  })
  @ApiOkResponse({ type: HostDto })
  async get(): Promise<HostDto> {
    return hostDto(await describeHost());
  }
}
