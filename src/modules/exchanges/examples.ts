/** With the listener of the other examples, which greets whoever connects. */
export const EXAMPLE = {
  host: '127.0.0.1',
  port: 7007,
  send: { data: 'hello\n' },
  until: { delimiter: '\n' },
  timeoutMs: 2000,
};

/** What one would ask servers of one's own. */
export const ELSEWHERE = {
  'A page by HTTP/1.0': {
    host: '127.0.0.1',
    port: 8000,
    send: { data: 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' },
    until: { eof: true },
  },
  'A document by gopher': { host: '127.0.0.1', port: 70, send: { data: '/\r\n' }, until: { eof: true } },
  'An echo, by UDP': { protocol: 'udp', host: '127.0.0.1', port: 7, send: { data: 'hello' } },
  'Redis: PING': { host: '127.0.0.1', port: 6379, send: { data: 'PING\r\n' }, until: { delimiter: '\r\n' } },
  'SMTP: EHLO, with STARTTLS': {
    host: '127.0.0.1',
    port: 25,
    steps: [
      { expect: { matches: '(?m)^220 .*\\r\\n' } },
      { send: 'EHLO localhost\r\n' },
      { expect: { matches: '(?m)^250 .*\\r\\n' } },
      { send: 'STARTTLS\r\n' },
      { expect: { matches: '(?m)^220 .*\\r\\n' } },
      { starttls: { insecure: true } },
      { send: 'EHLO localhost\r\n' },
      { expect: { matches: '(?m)^250 .*\\r\\n' } },
      { send: 'QUIT\r\n' },
      { expect: { eof: true } },
    ],
  },
};
