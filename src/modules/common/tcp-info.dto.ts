import { ApiProperty } from '@nestjs/swagger';
import { TCP_INFO_FIELDS, TCP_STATES } from '../../sockets/index.js';
import { OneOf } from './fields.js';

/** struct tcp_info; its fields are those of the engine's table. */
export class TcpInfoDto {
  @ApiProperty({
    type: 'string',
    enum: [...TCP_STATES, null],
    nullable: true,
    description: 'As ss(8) has it',
  })
  state!: string | null;
}

for (const [name, { does }] of Object.entries(TCP_INFO_FIELDS)) {
  ApiProperty({ type: 'number', nullable: true, description: does })(TcpInfoDto.prototype, name);
}

export class IncludeQuery {
  @OneOf(['tcpInfo'], {
    description: '`tcpInfo`: what the kernel measures of each TCP connection; TCP_INFO, tcp(7)',
    optional: true,
  })
  include?: 'tcpInfo';
}
