import { Body, Controller, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine } from '../../sockets/index.js';
import { CHANGING_PROBLEMS, JsonBody, Operation, SocketParam } from '../common/api.js';
import { DurationMs } from '../common/fields.js';
import { LeaseDto, leaseDto } from '../common/lease.dto.js';

export class RenewLeaseBody {
  @DurationMs({
    description: 'Another length from now on; null: no lease any more. Without it, as long as before',
    optional: true,
    nullable: true,
    min: 1,
  })
  leaseMs?: number | null;
}

@ApiTags('sockets')
@Controller('v1/sockets/:idOrName/lease')
export class LeaseController {
  constructor(private readonly engine: Engine) {}

  @Put()
  @SocketParam('idOrName', 'demo-client')
  @JsonBody(RenewLeaseBody, { leaseMs: 60_000 }, { required: false })
  @Operation({
    id: 'renewLease',
    summary: 'Renew the lease of a socket',
    description:
      'The socket is closed, with the reason `lease`, when nobody renews it in time. A listener takes its connections with it.',
    problems: CHANGING_PROBLEMS,
  })
  @ApiOkResponse({ type: LeaseDto })
  renew(@Param('idOrName') idOrName: string, @Body() { leaseMs }: RenewLeaseBody): LeaseDto {
    const socket = this.engine.get(idOrName);
    socket.renewLease(leaseMs);
    return leaseDto(socket);
  }
}
