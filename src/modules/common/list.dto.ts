import { ApiExtraModels, ApiProperty } from '@nestjs/swagger';
import { PROTOCOLS, SOCKET_STATES, type ManagedSocket } from '../../sockets/index.js';
import { invalid } from '../problems/problem.js';
import { Int, OneOf, Text } from './fields.js';
import { LabelFilter } from './socket-fields.js';
import { ANY_SOCKET, anySocketDto, ListenerDto } from './listener.dto.js';
import { SocketDto } from './socket.dto.js';
import { IncludeQuery } from './tcp-info.dto.js';

const CURSOR = /^s([0-9a-z]{1,11})$/;

/** Which page of a list, and which sockets stand in it. */
export class ListQuery extends IncludeQuery {
  @Int({ description: 'How many at most', query: true, default: 100, min: 1, max: 1000 })
  limit: number = 100;

  @Text({ description: '`nextCursor` of the page before', optional: true, maxLength: 64 })
  cursor?: string;

  @OneOf(SOCKET_STATES, {
    description: 'Only sockets in this state. Without it: all that are not closed or failed',
    optional: true,
  })
  state?: string;

  @OneOf(PROTOCOLS, { description: 'Only sockets of this protocol', optional: true })
  protocol?: string;

  @Text({ description: 'Only sockets that have, or had, this name', optional: true, maxLength: 64 })
  name?: string;

  @LabelFilter({
    description: 'Only sockets with this label, as `key=value`; of several, they have all',
    optional: true,
  })
  label?: string[];
}

@ApiExtraModels(ListenerDto, SocketDto)
export class SocketListDto {
  @ApiProperty({ type: 'array', items: ANY_SOCKET })
  items!: (SocketDto | ListenerDto)[];

  @ApiProperty({ type: 'string', nullable: true, description: 'Pass it as `cursor`; null at the end' })
  nextCursor!: string | null;
}

type Pages = (
  after: number,
  limit: number,
  matches: (socket: ManagedSocket) => boolean,
) => { items: ManagedSocket[]; next: number | null };

/** One page of sockets that match the query and `also`. */
export function socketList(
  query: ListQuery,
  pages: Pages,
  also: (socket: ManagedSocket) => boolean,
): SocketListDto {
  const { items, next } = pages(
    positionOf(query.cursor),
    query.limit,
    (socket) => matches(query, socket) && also(socket),
  );
  return {
    items: items.map((socket) => anySocketDto(socket, query.include)),
    nextCursor: next === null ? null : `s${next.toString(36)}`,
  };
}

/** Without a state: all that are not closed or failed. */
export function matches(
  { state, protocol, name, label = [] }: Pick<ListQuery, 'state' | 'protocol' | 'name' | 'label'>,
  socket: ManagedSocket,
): boolean {
  if (state === undefined ? socket.isClosed : socket.state !== state) return false;
  if (protocol !== undefined && socket.protocol !== protocol) return false;
  if (name !== undefined && socket.name !== name) return false;
  return label.every((pair) => hasLabel(socket.identity.labels, pair));
}

/** `pair` is `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, pair: string): boolean {
  const cut = pair.indexOf('=');
  return labels[pair.slice(0, cut)] === pair.slice(cut + 1);
}

function positionOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const position = parseInt(CURSOR.exec(cursor)?.[1] ?? '', 36);
  if (Number.isSafeInteger(position)) return position;
  throw invalid([{ pointer: '/cursor', detail: 'is not a cursor of this list' }]);
}
