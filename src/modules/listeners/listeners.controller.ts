import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Engine } from '../../sockets/index.js';
import { createdHeaders, JsonBody, OPENING_PROBLEMS, Operation, SocketParam } from '../common/api.js';
import { EXAMPLE_IDENTITY } from '../common/example-identity.js';
import { ListQuery, SocketListDto, socketList } from '../common/list.dto.js';
import { ListenerDto, listenerDto } from '../common/listener.dto.js';
import { IncludeQuery } from '../common/tcp-info.dto.js';
import { Idempotency, Idempotent } from '../idempotency/idempotent.js';
import { CreateListenerDto, declareRequest, listenerSpec, RemoveListenerQuery } from './listeners.dto.js';

const EXAMPLE_NAME = 'demo';
/** So that the examples of clients and exchanges hear something; what their listener hears stays for its readers. */
const GREETING = { consume: false, onConnect: [{ send: 'welcome\n' }] };
const LOCATION = {
  Location: { description: 'Path of the listener', required: true, schema: { type: 'string' as const } },
};

@ApiTags('listeners')
@Controller('v1/listeners')
export class ListenersController {
  constructor(
    private readonly engine: Engine,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @Idempotent()
  @JsonBody(
    CreateListenerDto,
    {
      protocol: 'tcp',
      host: '127.0.0.1',
      port: 7007,
      name: EXAMPLE_NAME,
      labels: { run: '42' },
      responder: GREETING,
    },
    {
      required: false,
      others: {
        TLS: { protocol: 'tls', tls: EXAMPLE_IDENTITY },
        'Daytime, RFC 867': { port: 7013, responder: 'daytime' },
        'Time, RFC 868': { port: 7037, responder: 'time' },
      },
    },
  )
  @Operation({
    id: 'createListener',
    summary: 'Bind and listen',
    description:
      'bind(2) and listen(2). Each connection that is accepted is a socket of its own. With a protocol of datagrams: ' +
      'bind(2), and the socket itself receives.',
    problems: [...OPENING_PROBLEMS, 'idempotency-key-reused'],
  })
  @ApiCreatedResponse({ type: ListenerDto, headers: createdHeaders('listener') })
  create(
    @Body() body: CreateListenerDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ListenerDto> {
    return this.idempotency.answer(request, reply, async () => {
      const listener = await this.engine.listen(listenerSpec(body, this.engine.limits));
      void reply.header('location', `/v1/listeners/${listener.id}`);
      return listenerDto(listener);
    });
  }

  @Put(':idOrName')
  @ApiParam({
    name: 'idOrName',
    description: 'Name of the listener, not an id',
    schema: { type: 'string', maxLength: 64, example: EXAMPLE_NAME },
  })
  @JsonBody(
    CreateListenerDto,
    { port: 7007, limits: { maxConnections: 10 }, responder: GREETING },
    { required: false },
  )
  @Operation({
    id: 'declareListener',
    summary: 'Declare a listener by name',
    description:
      'Idempotent: 201 if it was made, 200 if it is there as asked for, or took the place of one that was asked for differently. Where that cannot be, the old one goes on. Connections of a listener that was replaced go on; datagrams it had received can be read under its id. A lease begins anew, with the `leaseMs` given; without it there is none any more.',
    problems: OPENING_PROBLEMS,
  })
  @ApiOkResponse({ type: ListenerDto, description: 'It is there as asked for, or replaced another' })
  @ApiCreatedResponse({ type: ListenerDto, headers: LOCATION })
  async declare(
    @Param('idOrName') name: string,
    @Body() body: CreateListenerDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ListenerDto> {
    const { listener, outcome } = await this.engine.declare(declareRequest(name, body, this.engine.limits));
    void reply.status(outcome === 'created' ? 201 : 200);
    if (outcome === 'created') void reply.header('location', `/v1/listeners/${listener.id}`);
    return listenerDto(listener);
  }

  @Get()
  @Operation({ id: 'listListeners', summary: 'List the listeners', problems: ['validation-failed'] })
  @ApiOkResponse({ type: SocketListDto })
  list(@Query() query: ListQuery): SocketListDto {
    return socketList(query, this.engine.list.bind(this.engine), (socket) => socket.kind === 'listener');
  }

  @Get(':idOrName')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'getListener',
    summary: 'Inspect a listener',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiOkResponse({ type: ListenerDto })
  get(@Param('idOrName') idOrName: string, @Query() { include }: IncludeQuery): ListenerDto {
    return listenerDto(this.engine.bound(idOrName), include);
  }

  @Get(':idOrName/connections')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'listConnections',
    summary: 'List the connections a listener has accepted',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiOkResponse({ type: SocketListDto })
  connections(@Param('idOrName') idOrName: string, @Query() query: ListQuery): SocketListDto {
    const { connections } = this.engine.listener(idOrName);
    return socketList(query, connections.page.bind(connections), () => true);
  }

  @Delete(':idOrName')
  @HttpCode(204)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'closeListener',
    summary: 'Close a listener',
    description:
      'The port is free at once. Its connections are closed, after `drainMs` if they did not end before.',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiNoContentResponse()
  async remove(@Param('idOrName') idOrName: string, @Query() query: RemoveListenerQuery): Promise<void> {
    await this.engine.remove(this.engine.bound(idOrName), query.mode, query.drainMs);
  }
}
