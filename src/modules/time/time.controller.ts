import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { readClock } from '../../network/index.js';
import { Operation } from '../common/api.js';
import { TimeDto, timeDto } from './time.dto.js';

@ApiTags('questions')
@Controller('v1/time')
export class TimeController {
  @Get()
  @Operation({ id: 'getTime', summary: "The host's own clock" })
  @ApiOkResponse({ type: TimeDto })
  get(): TimeDto {
    return timeDto(readClock());
  }
}
