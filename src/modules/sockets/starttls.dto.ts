import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { IsObject, IsString } from 'class-validator';
import {
  clientHandshake,
  serverHandshake,
  type Encoding,
  type Handshake,
  type StreamConnection,
} from '../../sockets/index.js';
import { DurationMs, OneOf } from '../common/fields.js';
import { EncodingField } from '../common/socket-fields.js';
import { ClientTlsDto, clientTls, ServerTlsDto } from '../common/tls.dto.js';
import { validate } from '../common/validation.js';

@ApiExtraModels(ServerTlsDto, ClientTlsDto)
export class StartTlsBody {
  @OneOf(['client', 'server'], {
    description: 'Which side of the handshake this socket takes',
    example: 'server',
  })
  role!: 'client' | 'server';

  @ApiProperty({
    description:
      'As for a listener in the role `server`, as for a client in the role `client`, which can do without',
    required: false,
    anyOf: [{ $ref: getSchemaPath(ServerTlsDto) }, { $ref: getSchemaPath(ClientTlsDto) }],
  })
  @IsObject()
  tls: object = {};

  @ApiProperty({
    description:
      'Sent as it is just before: what the peer waits for. Nothing that comes after is read as it is',
    required: false,
    default: '',
    example: '220 ready to start TLS\r\n',
  })
  @IsString()
  send: string = '';

  @EncodingField({ description: 'How `send` stands for bytes', default: 'utf8' })
  encoding: Encoding = 'utf8';

  @DurationMs({ description: 'Deadline for all of it', optional: true, min: 1 })
  timeoutMs?: number;
}

/** The handshake that was asked for, made ready: what is wrong with a certificate shows before anything is sent. */
export function handshakeOf({ role, tls }: StartTlsBody, connection: StreamConnection): Handshake {
  if (role === 'server') return serverHandshake(validate(ServerTlsDto, tls, '/tls'));
  return clientHandshake(clientTls(validate(ClientTlsDto, tls, '/tls')), connection.peerName);
}
