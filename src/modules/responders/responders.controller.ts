import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine, type ResponderSpec } from '../../sockets/index.js';
import { CHANGING_PROBLEMS, JsonBody, Operation, SocketParam } from '../common/api.js';
import { ResponderDto } from '../common/responder.dto.js';
import { ResponderPipe, ResponderStateDto, responderStateDto } from './responders.dto.js';

const EXAMPLE_NAME = 'demo';

/** Who answers for a listener, without a line of code. */
@ApiTags('responders')
@Controller('v1/listeners/:idOrName/responder')
export class RespondersController {
  constructor(private readonly engine: Engine) {}

  @Put()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(
    ResponderDto,
    {
      framing: { type: 'delimiter', delimiter: '\n' },
      onConnect: [{ send: 'welcome, {{ peer.address }}:{{ peer.port }}\n' }],
      rules: [{ when: { equals: 'exit' }, then: [{ close: true }] }],
      otherwise: [{ send: '{{ message.text | upcase }}\n' }],
    },
    { others: { 'A preset': { preset: 'echo' } } },
  )
  @Operation({
    id: 'setResponder',
    summary: 'Let a listener answer by itself, or otherwise than before',
    description:
      'Holds from the next message on; connections go on, and their answers under way are finished. Its counters begin anew. A name of a preset is taken too: `"echo"`.',
    problems: CHANGING_PROBLEMS,
  })
  @ApiOkResponse({ type: ResponderStateDto })
  set(@Param('idOrName') idOrName: string, @Body(ResponderPipe) spec: ResponderSpec): ResponderStateDto {
    const listener = this.engine.bound(idOrName);
    this.engine.setResponder(listener, spec);
    return responderStateDto(listener);
  }

  @Get()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({ id: 'getResponder', summary: 'Look at a responder', problems: ['not-found', 'gone'] })
  @ApiOkResponse({ type: ResponderStateDto })
  get(@Param('idOrName') idOrName: string): ResponderStateDto {
    return responderStateDto(this.engine.bound(idOrName));
  }

  @Delete()
  @HttpCode(204)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'removeResponder',
    summary: 'Let callers answer again',
    description: 'Connections go on; what was not answered is there for the next reader.',
    problems: ['not-found', 'gone'],
  })
  @ApiNoContentResponse()
  remove(@Param('idOrName') idOrName: string): void {
    this.engine.setResponder(this.engine.bound(idOrName), null);
  }
}
