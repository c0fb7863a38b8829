/** A name server that the test speaks for: what it answers to each question, over UDP and TCP on one port. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import packet from 'dns-packet';

export interface Asked {
  id: number;
  bytes: Buffer;
  query: packet.DecodedPacket;
  over: 'udp' | 'tcp';
  /** That the question came from. */
  port: number;
  /** Sends a message back as it is. */
  reply: (message: Buffer) => void;
  /** Ends the connection; nothing over UDP. */
  hangUp: () => void;
}

export class DnsServer {
  readonly asked: Asked[] = [];

  private constructor(
    private readonly udp: UdpSocket,
    private readonly tcp: Server,
    readonly port: number,
  ) {}

  static async start(answer: (asked: Asked) => void): Promise<DnsServer> {
    const tcp = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => tcp.once('listening', resolve));
    const { port } = tcp.address() as { port: number };
    const udp = createSocket('udp4');
    await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
    const server = new DnsServer(udp, tcp, port);
    const take = (asked: Omit<Asked, 'id' | 'query'>): void => {
      const whole = { ...asked, id: asked.bytes.readUInt16BE(0), query: packet.decode(asked.bytes) };
      server.asked.push(whole);
      answer(whole);
    };
    udp.on('message', (bytes, { port: from, address }) =>
      take({
        bytes,
        over: 'udp',
        port: from,
        reply: (message) => udp.send(message, from, address),
        hangUp: () => undefined,
      }),
    );
    tcp.on('connection', (socket) => serve(socket, take));
    return server;
  }

  get at(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What comes over TCP is refused from now on. */
  async stopTcp(): Promise<void> {
    await new Promise((resolve) => this.tcp.close(resolve));
  }

  async close(): Promise<void> {
    this.udp.close();
    await this.stopTcp();
  }
}

function serve(socket: Socket, take: (asked: Omit<Asked, 'id' | 'query'>) => void): void {
  socket.on('error', () => undefined);
  socket.once('data', (data: Buffer) =>
    take({
      bytes: data.subarray(2),
      over: 'tcp',
      port: socket.remotePort ?? 0,
      reply: (message) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        socket.write(Buffer.concat([length, message]));
      },
      hangUp: () => socket.end(),
    }),
  );
}

/** An answer to `asked`: the id and the question are right. */
export function answerTo(asked: Asked, more: Partial<packet.Packet> = {}): Buffer {
  return packet.encode({
    type: 'response',
    id: asked.id,
    flags: packet.RECURSION_DESIRED,
    questions: asked.query.questions!,
    answers: [{ type: 'A', name: asked.query.questions![0]!.name, ttl: 60, data: '192.0.2.1' }],
    ...more,
  });
}

/** As `message`, with another rcode. */
export function withRcode(message: Buffer, rcode: number): Buffer {
  const changed = Buffer.from(message);
  changed[3] = (changed[3]! & 0xf0) | rcode;
  return changed;
}
