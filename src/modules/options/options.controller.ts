import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import {
  changeOptions,
  Engine,
  readOption,
  readOptions,
  SOCKET_OPTIONS,
  type OptionSetting,
} from '../../sockets/index.js';
import { CHANGING_PROBLEMS, Operation, SocketParam } from '../common/api.js';
import { OPTION_VALUE_SCHEMAS } from '../common/socket-fields.js';
import { KnownOptionListDto, knownOptionDto, OptionDto, optionDto } from './options.dto.js';
import { OptionListDto, optionListDto } from './options.dto.js';
import { OptionsPipe } from './options.pipe.js';

const EXAMPLE_NAME = 'demo-client';

@ApiTags('options')
@Controller('v1/options')
export class CatalogueController {
  @Get()
  @Operation({
    id: 'listKnownOptions',
    summary: 'List the socket options there are',
    description: 'What each does, its level and number, the form of its value, and when it can be set.',
  })
  @ApiOkResponse({ type: KnownOptionListDto })
  list(): KnownOptionListDto {
    return { items: SOCKET_OPTIONS.map(knownOptionDto), nextCursor: null };
  }
}

/** getsockopt(2) and setsockopt(2) by name. */
@ApiTags('options')
@Controller('v1/sockets/:idOrName/options')
export class OptionsController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'getOptions',
    summary: 'Read the options of a socket',
    description:
      'All that mean something for it, as the kernel has them now. Without SO_ERROR, which asking would clear.',
    problems: ['not-found', 'gone'],
  })
  @ApiOkResponse({ type: OptionListDto })
  all(@Param('idOrName') idOrName: string): OptionListDto {
    return optionListDto(readOptions(this.engine.get(idOrName)));
  }

  @Get(':option')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @ApiParam({
    name: 'option',
    description: 'Name of the option',
    schema: { type: 'string', example: 'SO_RCVBUF' },
  })
  @Operation({
    id: 'getOption',
    summary: 'Read one option',
    description: 'getsockopt(2). One that does not fit the socket is asked all the same: the kernel answers.',
    problems: [
      ...(['validation-failed', 'permission-denied', 'not-found', 'conflict'] as const),
      ...(['gone', 'not-supported', 'resource-exhausted'] as const),
    ],
  })
  @ApiOkResponse({ type: OptionDto })
  one(@Param('idOrName') idOrName: string, @Param('option') name: string): OptionDto {
    return optionDto(readOption(this.engine.get(idOrName), name));
  }

  @Patch()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @ApiBody({
    required: true,
    schema: { type: 'object', additionalProperties: { oneOf: OPTION_VALUE_SCHEMAS } },
    examples: { example: { summary: 'Works as it stands', value: { SO_RCVBUF: 65_536, TCP_NODELAY: true } } },
  })
  @Operation({
    id: 'setOptions',
    summary: 'Set options: all of them, or none',
    description:
      'setsockopt(2), one after the other. When the kernel refuses one, those before it get back what they had. ' +
      'Answers what the kernel has made of the values.',
    problems: [
      ...CHANGING_PROBLEMS,
      'permission-denied',
      'conflict',
      'address-not-available',
      'not-supported',
      'resource-exhausted',
    ],
  })
  @ApiOkResponse({ type: OptionListDto })
  set(@Param('idOrName') idOrName: string, @Body(OptionsPipe) settings: OptionSetting[]): OptionListDto {
    return optionListDto(changeOptions(this.engine.get(idOrName), settings));
  }
}
