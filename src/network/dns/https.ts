import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { SocketError } from '../../sockets/index.js';
import { AnswerWait } from './answer-wait.js';
import { encodeQuery } from './message.js';
import { timeLeft, type Answer, type Inquiry } from './inquiry.js';

const MEDIA_TYPE = 'application/dns-message';
const MAX_MESSAGE_BYTES = 65_535;

/** RFC 8484: one POST over HTTP/2, on a connection that the policy has allowed. */
export async function askOverHttps(inquiry: Inquiry): Promise<Answer> {
  const { servers, server, query, edns, path, tls, gone } = inquiry;
  const wait = new AnswerWait(inquiry, 0);
  const bounds = { timeoutMs: timeLeft(inquiry), gone };
  const { socket, end, alpn } = await servers.connect(server, { ...tls, alpn: ['h2'] }, bounds);
  try {
    if (alpn !== 'h2') throw wait.error('EBADMSG', 'the server speaks no HTTP/2');
    const authority = server.host.includes(':') ? `[${server.host}]` : server.host;
    const session = connect(`https://${authority}:${String(server.port)}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    session.on('error', (error) =>
      wait.fail(SocketError.fromSystem(error, { syscall: 'dns', address: end.address })),
    );
    session.on('close', () => wait.fail(wait.error('ECONNRESET', 'the connection ended before an answer')));
    try {
      post(session, path, encodeQuery(wait.id, query, edns), wait);
      return { message: await wait.message(), address: end.address };
    } finally {
      session.destroy();
    }
  } finally {
    socket.destroy();
  }
}

function post(session: ClientHttp2Session, path: string, body: Buffer, wait: AnswerWait): void {
  const request = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: MEDIA_TYPE,
    [constants.HTTP2_HEADER_ACCEPT]: MEDIA_TYPE,
    [constants.HTTP2_HEADER_CONTENT_LENGTH]: body.length,
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('response', (headers) => {
    const fault = faultOf(headers);
    if (fault !== null) wait.fail(wait.error('EBADMSG', fault));
  });
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_MESSAGE_BYTES) return wait.fail(wait.error('EBADMSG', 'the answer is too long'));
    chunks.push(chunk);
  });
  request.on('end', () => {
    wait.offer(Buffer.concat(chunks));
    wait.fail(wait.error('EBADMSG', 'the body is no answer'));
  });
  request.on('error', (error: Error) => wait.fail(wait.error('EBADMSG', error.message)));
  request.end(body);
}

function faultOf(headers: IncomingHttpHeaders & { ':status'?: number | undefined }): string | null {
  const status = headers[':status'] ?? 0;
  if (status !== 200) return `HTTP status ${String(status)}`;
  const type = headers['content-type'] ?? '';
  return type.split(';')[0]?.trim().toLowerCase() === MEDIA_TYPE
    ? null
    : `an answer of type ${type === '' ? 'nothing' : type}`;
}
