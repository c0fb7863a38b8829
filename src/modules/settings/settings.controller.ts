import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine } from '../../sockets/index.js';
import { JsonBody, Operation } from '../common/api.js';
import { ChangeSettingsDto, SettingsDto } from './settings.dto.js';

/** What holds for the whole process, until it ends. */
@ApiTags('settings')
@Controller('v1/settings')
export class SettingsController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @Operation({ id: 'getSettings', summary: 'The settings of the process' })
  @ApiOkResponse({ type: SettingsDto })
  get(): SettingsDto {
    return { ...this.engine.settings };
  }

  @Patch()
  @JsonBody(ChangeSettingsDto, { defaultTimeoutMs: 30_000 })
  @Operation({
    id: 'changeSettings',
    summary: 'Change settings of the process',
    description: 'What is left out stays as it is, and sockets that are there keep what they have.',
    problems: ['validation-failed', 'payload-too-large', 'unsupported-media-type'],
  })
  @ApiOkResponse({ type: SettingsDto })
  change(@Body() { defaultTimeoutMs }: ChangeSettingsDto): SettingsDto {
    if (defaultTimeoutMs !== undefined) this.engine.settings.defaultTimeoutMs = defaultTimeoutMs;
    return this.get();
  }
}
