import { Injectable, type PipeTransform } from '@nestjs/common';
import { optionSettings, type OptionSetting } from '../../sockets/index.js';
import { requireObject } from '../common/validation.js';

/** A body whose fields are names of options: all of it is looked at before anything is set. */
@Injectable()
export class OptionsPipe implements PipeTransform<unknown, OptionSetting[]> {
  transform(body: unknown): OptionSetting[] {
    requireObject(body);
    return optionSettings(body as Record<string, unknown>);
  }
}
