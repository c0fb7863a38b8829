import type { ClientTls } from '../../sockets/index.js';
import { AnswerWait } from './answer-wait.js';
import { askOverHttps } from './https.js';
import { timeLeft, type Answer, type Inquiry } from './inquiry.js';
import { encodeQuery } from './message.js';

export const TRANSPORTS = ['udp', 'tcp', 'tls', 'https'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Without another one the port of the server. RFC 1035, RFC 7858, RFC 8484. */
export const DEFAULT_PORT: Readonly<Record<Transport, number>> = { udp: 53, tcp: 53, tls: 853, https: 443 };

/** Errors: those of Servers, ETIMEDOUT, ECONNRESET where the connection ends early, EBADMSG where HTTP has no answer. */
export function askOver(transport: Transport, inquiry: Inquiry): Promise<Answer> {
  switch (transport) {
    case 'udp':
      return askOverUdp(inquiry);
    case 'tcp':
      return askOverStream(inquiry, null);
    case 'tls':
      return askOverStream(inquiry, inquiry.tls);
    case 'https':
      return askOverHttps(inquiry);
  }
}

/** Sent again in even steps until the deadline; an answer to any of them will do. */
async function askOverUdp(inquiry: Inquiry): Promise<Answer> {
  const { servers, server, query, edns, attempts, gone } = inquiry;
  const wait = new AnswerWait(inquiry);
  const bytes = encodeQuery(wait.id, query, edns);
  const events = {
    onDatagram: (datagram: Buffer) => wait.offer(datagram),
    onError: wait.fail.bind(wait),
  };
  return servers.overUdp(server, { timeoutMs: timeLeft(inquiry), gone }, events, async (peer) => {
    let left = attempts;
    const send = (): void => {
      peer.send(bytes);
      left -= 1;
      if (left <= 0) clearInterval(again);
    };
    const again = setInterval(send, timeLeft(inquiry) / attempts);
    send();
    try {
      return { message: await wait.message(), address: peer.end.address };
    } finally {
      clearInterval(again);
    }
  });
}

/** RFC 1035, 4.2.2 and RFC 7858: a length in two bytes before each message. */
async function askOverStream(inquiry: Inquiry, tls: ClientTls | null): Promise<Answer> {
  const { servers, server, query, edns, gone } = inquiry;
  const { socket, end } = await servers.connect(server, tls, { timeoutMs: timeLeft(inquiry), gone });
  try {
    const wait = new AnswerWait(inquiry);
    let unread = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const next = 2 + unread.readUInt16BE(0);
        wait.offer(unread.subarray(2, next));
        unread = unread.subarray(next);
      }
    });
    const ended = (): void => wait.fail(wait.error('ECONNRESET', 'the connection ended before an answer'));
    socket.on('end', ended).on('close', ended).on('error', ended);
    const bytes = encodeQuery(wait.id, query, edns);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    socket.write(Buffer.concat([length, bytes]));
    return { message: await wait.message(), address: end.address };
  } finally {
    socket.destroy();
  }
}
