import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Engine, type DataSocket } from '../../sockets/index.js';
import { createdHeaders, JsonBody, OPENING_PROBLEMS, Operation, SocketParam } from '../common/api.js';
import { CloseQuery } from '../common/close.dto.js';
import { connectOver } from '../common/create.dto.js';
import { goneSignal } from '../common/gone-signal.js';
import { ListQuery, SocketListDto, socketList } from '../common/list.dto.js';
import { SocketDto, socketDto } from '../common/socket.dto.js';
import { IncludeQuery } from '../common/tcp-info.dto.js';
import { Idempotency, IDEMPOTENCY_HEADER, Idempotent } from '../idempotency/idempotent.js';
import { clientRequest, CreateClientDto } from './clients.dto.js';

const EXAMPLE_NAME = 'demo-client';

@ApiTags('clients')
@Controller('v1/clients')
export class ClientsController {
  constructor(
    private readonly engine: Engine,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @Idempotent()
  @JsonBody(CreateClientDto, {
    protocol: 'tcp',
    host: '127.0.0.1',
    port: 7007,
    name: EXAMPLE_NAME,
    timeoutMs: 5000,
  })
  @Operation({
    id: 'createClient',
    summary: 'Connect to a server',
    description:
      'connect(2), with a deadline, to one address of the name after the other (RFC 8305). Answers once connected; a ' +
      'failure carries errno, code and syscall, and `attempts`. Until then it is among the clients as `connecting`: to ' +
      'close it, or to leave, gives up, and the answer is 409 with ECANCELED. Over a protocol of ' +
      'datagrams nothing is sent yet: the peer need not be there.',
    problems: [
      ...OPENING_PROBLEMS,
      'idempotency-key-reused',
      'connection-refused',
      'connection-reset',
      'tls-failed',
    ],
  })
  @ApiCreatedResponse({
    type: SocketDto,
    headers: createdHeaders('client'),
  })
  create(
    @Body() body: CreateClientDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SocketDto> {
    return this.idempotency.answer(request, reply, async () => {
      const client = await this.open(body, this.gone(request, reply));
      void reply.header('location', `/v1/clients/${client.id}`);
      return socketDto(client);
    });
  }

  @Get()
  @Operation({ id: 'listClients', summary: 'List the clients', problems: ['validation-failed'] })
  @ApiOkResponse({ type: SocketListDto })
  list(@Query() query: ListQuery): SocketListDto {
    return socketList(query, this.engine.list.bind(this.engine), (socket) => socket.kind === 'client');
  }

  @Get(':idOrName')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'getClient',
    summary: 'Inspect a client',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiOkResponse({ type: SocketDto })
  get(@Param('idOrName') idOrName: string, @Query() { include }: IncludeQuery): SocketDto {
    return socketDto(this.engine.client(idOrName), include);
  }

  @Delete(':idOrName')
  @HttpCode(204)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'closeClient',
    summary: 'Close a client',
    description: 'One that is still connecting gives up, and leaves nothing behind.',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiNoContentResponse()
  async remove(@Param('idOrName') idOrName: string, @Query() query: CloseQuery): Promise<void> {
    await this.engine.remove(this.engine.client(idOrName), query.mode);
  }

  /** Who can ask again for the same answer, by its key, may go away meanwhile. */
  private gone(request: FastifyRequest, reply: FastifyReply): AbortSignal | undefined {
    return request.headers[IDEMPOTENCY_HEADER] === undefined ? goneSignal(reply) : undefined;
  }

  private open(body: CreateClientDto, gone: AbortSignal | undefined): Promise<DataSocket> {
    const { limits } = this.engine;
    return connectOver(this.engine, body.protocol, clientRequest(body, limits), gone);
  }
}
