import { DataSocket, type Engine, type SocketEvent, type StreamListener } from '../../../sockets/index.js';
import type { ChannelOptions } from './channel.js';

/** What happens to a listener that a client is attached to, by the number of its channel. */
export interface ListenerFollower {
  /** A connection, present or new, gets a channel of its own. */
  accepted(listenerChannel: number, connection: DataSocket, options: ChannelOptions): void;
  listenerClosed(listenerChannel: number, listener: StreamListener): void;
}

interface Attachment {
  listener: StreamListener;
  options: ChannelOptions;
  /** By the client: nothing more of it is passed on. */
  isDetached: boolean;
}

/** The listeners one client is attached to: their connections, present and to come, are passed on. */
export class ListenerAttachments {
  private readonly byChannel = new Map<number, Attachment>();
  /** Events are listened to only while there is a listener to follow. */
  private stop: (() => void) | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly follower: ListenerFollower,
  ) {}

  get size(): number {
    return this.byChannel.size;
  }

  listenerOf(channel: number): StreamListener | undefined {
    return this.byChannel.get(channel)?.listener;
  }

  add(channel: number, listener: StreamListener, options: ChannelOptions): void {
    this.byChannel.set(channel, { listener, options, isDetached: false });
    this.stop ??= this.engine.onEvent((event) => this.noticed(event));
  }

  /** For each connection that there is: passes it on. A closed one is still of interest while it holds unread bytes. */
  passOnPresent(channel: number): (() => void)[] {
    const attachment = this.byChannel.get(channel);
    if (attachment === undefined) return [];
    const { listener, options } = attachment;
    return [...listener.connections]
      .filter((connection) => connection instanceof DataSocket)
      .map((connection) => () => {
        if (attachment.isDetached || (connection.isClosed && !connection.log.hasUncommitted)) return;
        this.follower.accepted(channel, connection, options);
      });
  }

  /** False: there is no such listener. */
  detach(channel: number): boolean {
    const attachment = this.byChannel.get(channel);
    if (attachment === undefined) return false;
    attachment.isDetached = true;
    this.remove(channel);
    return true;
  }

  clear(): void {
    this.byChannel.clear();
    this.stopListening();
  }

  private remove(channel: number): void {
    this.byChannel.delete(channel);
    if (this.byChannel.size === 0) this.stopListening();
  }

  private stopListening(): void {
    this.stop?.();
    this.stop = null;
  }

  private noticed({ name, socket }: SocketEvent): void {
    if (name === 'accepted' && socket instanceof DataSocket) {
      for (const [channel, { listener, options }] of this.byChannel) {
        if (listener.id === socket.listenerId) this.follower.accepted(channel, socket, options);
      }
    } else if ((name === 'closed' || name === 'failed') && socket.kind === 'listener') {
      for (const [channel, { listener }] of this.byChannel) {
        if (listener !== socket) continue;
        this.remove(channel);
        this.follower.listenerClosed(channel, listener);
      }
    }
  }
}
