import { Injectable, type PipeTransform } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { SocketError, type Listener, type ResponderSpec } from '../../sockets/index.js';
import { responderCountsDto, ResponderCountsDto } from '../common/responder-counts.dto.js';
import { RESPONDER_FORM, ResponderDto, responderOf, responderSpec } from '../common/responder.dto.js';
import { validate } from '../common/validation.js';
import { invalid } from '../problems/problem.js';

/** A responder, or the name of a preset. */
@Injectable()
export class ResponderPipe implements PipeTransform<unknown, ResponderSpec> {
  transform(body: unknown): ResponderSpec {
    const responder = responderOf(body);
    if (typeof responder === 'string') throw invalid([{ pointer: '', detail: RESPONDER_FORM }]);
    return responderSpec(validate(ResponderDto, responder));
  }
}

export class ResponderStateDto extends ResponderCountsDto {
  @ApiProperty({ type: ResponderDto, description: 'As it was asked for' })
  responder!: ResponderSpec;
}

/** RESPONDER_NOT_FOUND where callers answer. */
export function responderStateDto({ answering, id }: Listener): ResponderStateDto {
  if (answering === null) throw new SocketError('RESPONDER_NOT_FOUND', `${id} has no responder`);
  return { ...responderCountsDto(answering), responder: answering.spec };
}
