import { ApiProperty } from '@nestjs/swagger';
import { DurationMs } from '../common/fields.js';

const DEFAULT_TIMEOUT =
  'Timeout of sockets made from now on, and of connects that give none; null: none, only the limits hold';

export class SettingsDto {
  @ApiProperty({ type: 'integer', nullable: true, description: DEFAULT_TIMEOUT })
  defaultTimeoutMs!: number | null;
}

export class ChangeSettingsDto {
  @DurationMs({ description: DEFAULT_TIMEOUT, optional: true, nullable: true, min: 1, example: 30_000 })
  defaultTimeoutMs?: number | null;
}
