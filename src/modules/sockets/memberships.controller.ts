import { applyDecorators, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import { Engine } from '../../sockets/index.js';
import { Operation, SocketParam } from '../common/api.js';
import { MembershipDto, MembershipListDto, MembershipQuery } from './memberships.dto.js';

const EXAMPLE_NAME = 'demo-udp';

function GroupParam(): MethodDecorator {
  return applyDecorators(
    SocketParam('idOrName', EXAMPLE_NAME),
    ApiParam({
      name: 'group',
      description: 'Multicast address: 224.0.0.0/4 or ff00::/8',
      schema: { type: 'string', maxLength: 64, example: '239.1.1.1' },
    }),
  );
}

/** The multicast groups of a datagram socket. TTL, loop and outgoing interface are socket options. */
@ApiTags('multicast')
@Controller('v1/sockets/:idOrName/memberships')
export class MembershipsController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'listMemberships',
    summary: 'List the multicast groups of a socket',
    problems: ['not-found', 'gone', 'not-supported'],
  })
  @ApiOkResponse({ type: MembershipListDto })
  list(@Param('idOrName') idOrName: string): MembershipListDto {
    return { items: this.engine.datagramSocket(idOrName).memberships.list(), nextCursor: null };
  }

  @Put(':group')
  @GroupParam()
  @Operation({
    id: 'joinGroup',
    summary: 'Join a multicast group',
    description:
      'IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP. Joining again changes nothing. The policy is asked as for sending there: ' +
      'multicast has to be allowed by `SOCKEYE_EGRESS_ALLOW`.',
    problems: [
      ...(['validation-failed', 'blocked-by-policy', 'not-found', 'gone', 'not-supported'] as const),
      ...(['address-in-use', 'address-not-available', 'resource-exhausted'] as const),
    ],
  })
  @ApiOkResponse({ type: MembershipDto })
  join(
    @Param('idOrName') idOrName: string,
    @Param('group') group: string,
    @Query() { interface: via }: MembershipQuery,
  ): MembershipDto {
    return this.engine.datagramSocket(idOrName).memberships.join(group, via ?? null);
  }

  @Delete(':group')
  @HttpCode(204)
  @GroupParam()
  @Operation({
    id: 'leaveGroup',
    summary: 'Leave a multicast group',
    description: 'By the interface that it was joined by.',
    problems: ['validation-failed', 'not-found', 'gone', 'not-supported', 'address-not-available'],
  })
  @ApiNoContentResponse()
  leave(
    @Param('idOrName') idOrName: string,
    @Param('group') group: string,
    @Query() { interface: via }: MembershipQuery,
  ): void {
    this.engine.datagramSocket(idOrName).memberships.leave(group, via ?? null);
  }
}
