import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  body: Buffer;
}

/** As large as the answers that are measured: their sender should not wait for its reader. */
const READ_BYTES = 1024 * 1024;

/**
 * One kept-alive connection, one request at a time, answers with a Content-Length only: so little work that
 * the service is what is measured.
 */
export class HttpConnection {
  private parts: Buffer[] = [];
  private headLeft = true;
  private status = 0;
  private bodyLeft = 0;
  private settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;

  private constructor(
    private readonly socket: Socket,
    private readonly host: string,
  ) {
    socket.on('error', (error) => this.settle?.reject(error));
    socket.on('close', () => this.settle?.reject(new Error('the service hung up')));
  }

  static async open(port: number): Promise<HttpConnection> {
    let opened: HttpConnection | null = null;
    const onread = {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      callback: (read: number, buffer: Uint8Array): boolean => {
        opened?.take(Buffer.from(Buffer.from(buffer.buffer, buffer.byteOffset, read)));
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    await once(socket, 'connect');
    opened = new HttpConnection(socket, `127.0.0.1:${port}`);
    return opened;
  }

  request(method: string, path: string, body?: object, accept = 'application/json'): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const type = body === undefined ? '' : 'Content-Type: application/json\r\n';
    const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(text)}\r\n`;
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.host}\r\nAccept: ${accept}\r\n`;
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new Error('the service hung up'));
      this.settle = { resolve, reject };
      this.socket.write(`${head}${type}${length}\r\n${text}`);
    });
  }

  close(): void {
    this.settle = null;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.parts.push(chunk);
    if (this.headLeft) this.takeHead();
    else this.bodyLeft -= chunk.length;
    if (this.headLeft || this.bodyLeft > 0) return;
    const answer = { status: this.status, body: Buffer.concat(this.parts) };
    this.parts = [];
    this.headLeft = true;
    this.settle?.resolve(answer);
  }

  private takeHead(): void {
    const all = Buffer.concat(this.parts);
    const end = all.indexOf('\r\n\r\n');
    this.parts = [all];
    if (end < 0) return;
    const head = all.toString('latin1', 0, end);
    const rest = all.subarray(end + 4);
    this.status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined && this.status !== 204) this.settle?.reject(new Error(`no length: ${head}`));
    this.bodyLeft = Number(length ?? 0) - rest.length;
    this.parts = [rest];
    this.headLeft = false;
  }
}
