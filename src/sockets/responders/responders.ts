import { DatagramSocket } from '../datagram/datagram-socket.js';
import type { Endpoint } from '../endpoint.js';
import { type StreamListener } from '../listen/stream-listener.js';
import { SeqpacketConnection } from '../seqpacket/seqpacket-connection.js';
import type { ManagedSocket } from '../socket.js';
import { StreamConnection } from '../stream/stream-connection.js';
import type { Answering } from './answering.js';
import { Conversation, type Around } from './conversation.js';
import { DatagramConversation } from './datagram-conversation.js';
import { wouldLoop } from './loops.js';
import { TranscriptStore } from './transcript.js';
import { Turns } from './turns.js';

/** Who speaks for the listeners that have a responder: a conversation for each connection, and for each datagram socket. */
export class Responders {
  private readonly around: Around;
  private readonly streams = new Map<StreamConnection | SeqpacketConnection, Conversation>();
  private readonly datagrams = new Map<DatagramSocket, DatagramConversation>();

  constructor(now: () => number) {
    this.around = { now, turns: new Turns(), transcripts: new TranscriptStore() };
  }

  /** A socket has come to be: it is answered if its listener does that. */
  admitted(socket: ManagedSocket, listener: StreamListener | null): void {
    if (socket instanceof DatagramSocket) {
      if (socket.answering !== null) this.answerDatagrams(socket);
    } else if (listener?.answering != null && isConnection(socket)) {
      this.answerConnection(socket, listener, true);
    }
  }

  /** From the next message on; connections go on. Null: nobody answers any more. */
  change(listener: StreamListener | DatagramSocket, answering: Answering | null): void {
    listener.answering = answering;
    if (listener instanceof DatagramSocket) return this.changeDatagrams(listener);
    for (const connection of listener.connections) {
      if (!isConnection(connection) || connection.isClosed) continue;
      const conversation = this.streams.get(connection);
      if (conversation !== undefined) conversation.responderChanged();
      else if (answering !== null) this.answerConnection(connection, listener, false);
    }
  }

  private changeDatagrams(socket: DatagramSocket): void {
    const conversation = this.datagrams.get(socket);
    if (conversation !== undefined) conversation.responderChanged();
    else if (socket.answering !== null) this.answerDatagrams(socket);
  }

  private answerConnection(
    connection: StreamConnection | SeqpacketConnection,
    listener: StreamListener,
    greets: boolean,
  ): void {
    const conversation = new Conversation(listener, connection, this.around);
    this.streams.set(connection, conversation);
    void conversation.run(greets).then(() => this.streams.delete(connection));
  }

  private answerDatagrams(socket: DatagramSocket): void {
    const conversation = new DatagramConversation(socket, this.around, (sender) => this.isAnswerer(sender));
    this.datagrams.set(socket, conversation);
    void conversation.run().then(() => this.datagrams.delete(socket));
  }

  private isAnswerer(sender: Endpoint): boolean {
    const own = Array.from(this.datagrams.keys(), ({ localAddress }) => localAddress);
    return wouldLoop(sender, own);
  }
}

function isConnection(socket: ManagedSocket): socket is StreamConnection | SeqpacketConnection {
  return socket instanceof StreamConnection || socket instanceof SeqpacketConnection;
}
