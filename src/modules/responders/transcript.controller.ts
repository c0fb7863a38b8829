import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine } from '../../sockets/index.js';
import { Operation, SocketParam } from '../common/api.js';
import { HeardDto, TranscriptDto, transcriptDto, TranscriptQuery } from './transcript.dto.js';

@ApiTags('responders')
@ApiExtraModels(HeardDto)
@Controller('v1/sockets/:idOrName/transcript')
export class TranscriptController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @SocketParam('idOrName', 'demo-client')
  @Operation({
    id: 'getTranscript',
    summary: 'Read what a responder heard and answered',
    description:
      'Of a connection, or of a bound datagram socket, oldest first; after the close, too, as long as the socket can be inspected. The newest entries are kept, and of each message and answer the beginning.',
    problems: ['validation-failed', 'not-found', 'conflict', 'gone'],
  })
  @ApiOkResponse({ type: TranscriptDto })
  read(@Param('idOrName') idOrName: string, @Query() query: TranscriptQuery): TranscriptDto {
    return transcriptDto(this.engine.dataSocket(idOrName).transcript, query);
  }
}
