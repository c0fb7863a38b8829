import { Injectable, type PipeTransform } from '@nestjs/common';
import { encode } from '../../sockets/index.js';
import { validate } from '../common/validation.js';
import { SendBody } from './data.dto.js';

/** The bytes to send: the body itself, or the text that a JSON body carries in its encoding. */
@Injectable()
export class PayloadPipe implements PipeTransform<unknown, Buffer> {
  transform(body: unknown): Buffer {
    if (Buffer.isBuffer(body)) return body;
    const { data, encoding } = validate(SendBody, body);
    return encode(data, encoding);
  }
}
