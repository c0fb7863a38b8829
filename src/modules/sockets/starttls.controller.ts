import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine, encode } from '../../sockets/index.js';
import { CHANGING_PROBLEMS, JsonBody, Operation, SocketParam } from '../common/api.js';
import { EXAMPLE_IDENTITY } from '../common/example-identity.js';
import { SocketDto, socketDto } from '../common/socket.dto.js';
import { handshakeOf, StartTlsBody } from './starttls.dto.js';

@ApiTags('sockets')
@Controller('v1/sockets/:idOrName/starttls')
export class StartTlsController {
  constructor(private readonly engine: Engine) {}

  @Post()
  @HttpCode(200)
  @SocketParam('idOrName', 'demo-client')
  @JsonBody(StartTlsBody, { role: 'server', tls: EXAMPLE_IDENTITY, send: 'go ahead\r\n' })
  @Operation({
    id: 'startTls',
    summary: 'Upgrade an open TCP connection to TLS',
    description:
      'Offsets go on in the same log: bytes as they were before, decrypted after. Nothing may be waiting to be sent. ' +
      'It answers once the peer has got through the handshake, which it has to begin. A handshake that fails ends the connection.',
    problems: [
      ...CHANGING_PROBLEMS,
      'conflict',
      'not-supported',
      'connection-reset',
      'tls-failed',
      'resource-exhausted',
      'timed-out',
    ],
  })
  @ApiOkResponse({ type: SocketDto })
  async upgrade(@Param('idOrName') idOrName: string, @Body() body: StartTlsBody): Promise<SocketDto> {
    const connection = this.engine.streamConnection(idOrName);
    const timeoutMs = body.timeoutMs ?? connection.timeoutMs ?? this.engine.limits.connectTimeoutMs;
    await connection.startTls(handshakeOf(body, connection), encode(body.send, body.encoding), timeoutMs);
    return socketDto(connection);
  }
}
