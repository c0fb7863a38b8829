import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Engine, DataSocket, type ManagedSocket } from '../../sockets/index.js';
import { CHANGING_PROBLEMS, JsonBody, Operation, ReaderParam, SocketParam } from '../common/api.js';
import { CloseQuery } from '../common/close.dto.js';
import { matches, SocketListDto, socketList } from '../common/list.dto.js';
import { readerDtos } from '../common/reception.dto.js';
import { anySocketDto, ApiAnySocket } from '../common/listener.dto.js';
import { SocketDto, socketDto } from '../common/socket.dto.js';
import { IncludeQuery } from '../common/tcp-info.dto.js';
import {
  ClosedSocketsDto,
  closedSocketsDto,
  CloseSocketsQuery,
  ReaderListDto,
  requireFilter,
  ShutdownBody,
  SocketsQuery,
} from './sockets.dto.js';

const EXAMPLE_NAME = 'demo-client';

@ApiTags('sockets')
@Controller('v1/sockets')
export class SocketsController {
  constructor(private readonly engine: Engine) {}

  @Get()
  @Operation({ id: 'listSockets', summary: 'List sockets of every kind', problems: ['validation-failed'] })
  @ApiOkResponse({ type: SocketListDto })
  list(@Query() query: SocketsQuery): SocketListDto {
    return socketList(query, this.engine.list.bind(this.engine), (socket) => isAskedFor(query, socket));
  }

  @Delete()
  @Operation({
    id: 'closeSockets',
    summary: 'Close all sockets that match',
    description:
      'At least one filter must be given; of several, a socket matches all. A listener takes its connections with it.',
    problems: ['validation-failed'],
  })
  @ApiOkResponse({ type: ClosedSocketsDto })
  async removeAll(@Query() query: CloseSocketsQuery): Promise<ClosedSocketsDto> {
    requireFilter(query);
    const asked = (socket: ManagedSocket): boolean => matches(query, socket) && isAskedFor(query, socket);
    return closedSocketsDto(await this.engine.removeAll(query.mode, asked));
  }

  @Get(':idOrName')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'getSocket',
    summary: 'Inspect a socket',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiAnySocket()
  get(@Param('idOrName') idOrName: string, @Query() { include }: IncludeQuery): SocketDto {
    return anySocketDto(this.engine.get(idOrName), include);
  }

  @Delete(':idOrName')
  @HttpCode(204)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'closeSocket',
    summary: 'Close a socket',
    description:
      'close(2). Bytes that nobody has read are thrown away. Of a socket that is closed already, the rest goes.',
    problems: ['validation-failed', 'not-found', 'gone'],
  })
  @ApiNoContentResponse()
  async remove(@Param('idOrName') idOrName: string, @Query() query: CloseQuery): Promise<void> {
    await this.engine.remove(this.engine.get(idOrName), query.mode);
  }

  @Post(':idOrName/shutdown')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @JsonBody(ShutdownBody, { how: 'write' })
  @Operation({
    id: 'shutdownSocket',
    summary: 'Shut one direction down, or both',
    problems: [...CHANGING_PROBLEMS, 'conflict'],
  })
  @ApiOkResponse({ type: SocketDto })
  shutdown(@Param('idOrName') idOrName: string, @Body() { how }: ShutdownBody): SocketDto {
    const connection = this.engine.dataSocket(idOrName);
    connection.shutdown(how);
    return socketDto(connection);
  }

  @Post(':idOrName/pause')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({
    id: 'pauseSocket',
    summary: 'Stop reading from the peer',
    description: 'TCP slows the peer down once the buffers of both kernels are full.',
    problems: ['not-found', 'gone'],
  })
  @ApiOkResponse({ type: SocketDto })
  pause(@Param('idOrName') idOrName: string): SocketDto {
    const connection = this.engine.dataSocket(idOrName);
    connection.pause();
    return socketDto(connection);
  }

  @Post(':idOrName/resume')
  @HttpCode(200)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({ id: 'resumeSocket', summary: 'Read from the peer again', problems: ['not-found', 'gone'] })
  @ApiOkResponse({ type: SocketDto })
  resume(@Param('idOrName') idOrName: string): SocketDto {
    const connection = this.engine.dataSocket(idOrName);
    connection.resume();
    return socketDto(connection);
  }

  @Get(':idOrName/readers')
  @SocketParam('idOrName', EXAMPLE_NAME)
  @Operation({ id: 'listReaders', summary: 'List the consuming readers', problems: ['not-found', 'gone'] })
  @ApiOkResponse({ type: ReaderListDto })
  readers(@Param('idOrName') idOrName: string): ReaderListDto {
    return { items: readerDtos(this.engine.dataSocket(idOrName)), nextCursor: null };
  }

  @Delete(':idOrName/readers/:reader')
  @HttpCode(204)
  @SocketParam('idOrName', EXAMPLE_NAME)
  @ReaderParam()
  @Operation({
    id: 'removeReader',
    summary: 'Remove a reader that will not come back',
    description: 'It holds no bytes any more. The place of the last reader stays, for the next one to take.',
    problems: ['not-found', 'gone'],
  })
  @ApiNoContentResponse()
  removeReader(@Param('idOrName') idOrName: string, @Param('reader') reader: string): void {
    this.engine.dataSocket(idOrName).log.removeReader(reader);
  }
}

function isAskedFor(
  { kind, listenerId }: Pick<SocketsQuery, 'kind' | 'listenerId'>,
  socket: ManagedSocket,
): boolean {
  if (kind !== undefined && socket.kind !== kind) return false;
  return listenerId === undefined || (socket instanceof DataSocket && socket.listenerId === listenerId);
}
