import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExchangeDto } from '../../src/modules/exchanges/exchanges.dto.js';
import { startApi, type Api } from '../support/api.js';
import { Authority, describeWithOpenssl, type Certificate } from '../support/certificates.js';
import { itWith, type Program, startProgram, stopPrograms } from '../support/peers.js';
import { freePort } from '../http/peer.js';

const check = itWith('python3');
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sk-exchange-')));

let api: Api;
beforeAll(async () => {
  api = await startApi({ SOCKEYE_UNIX_DIR: directory, SOCKEYE_DATA_DIR: join(directory, 'data') });
});
afterAll(async () => {
  await api.close();
  await stopPrograms();
  rmSync(directory, { recursive: true, force: true });
});

async function exchange(body: object): Promise<ExchangeDto> {
  const { status, body: answer } = await api.post<ExchangeDto>('/v1/exchanges', {
    host: '127.0.0.1',
    ...body,
  });
  expect({ status, answer }).toMatchObject({ status: 200 });
  return answer;
}

function said({ transcript }: ExchangeDto): [string, string][] {
  return (transcript ?? []).map(({ step, data }) => [step, data]);
}

async function portOf(program: Program, line: RegExp): Promise<number> {
  return program.output('its port', () => {
    const found = line.exec(`${program.stdout.toString()}${program.stderr}`)?.[1];
    return found === undefined ? null : Number(found);
  });
}

function dialogues(mode: string, ...files: string[]): Promise<number> {
  const script = join(__dirname, '../support/peers/dialogues.py');
  return portOf(startProgram('python3', [script, mode, ...files]), /port (\d+)/);
}

check('a page of python3 -m http.server, by HTTP/1.0', async () => {
  const folder = join(directory, 'www');
  mkdirSync(folder);
  const page = `<p>${'salmon '.repeat(20_000)}</p>\n`;
  writeFileSync(join(folder, 'index.html'), page);
  const args = ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', folder];
  const port = await portOf(startProgram('python3', args), /port (\d+)/);
  const get = { send: { data: 'GET / HTTP/1.0\r\n\r\n' }, until: { eof: true } };
  const { data, endedBy, timings } = await exchange({ port, ...get });
  expect(data).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
  expect(data.split('\r\n\r\n')[1] === page).toBe(true);
  expect(endedBy).toBe('eof');
  expect(timings.firstByteMs).toBeLessThanOrEqual(timings.totalMs);
  const head = await exchange({ port, send: get.send, until: { delimiter: '\r\n\r\n' } });
  expect(head.data).toMatch(/Content-Length: 140008\r\n/);
  expect(head.data).toMatch(/\r\n\r\n$/);
  const cut = await exchange({ port, ...get, maxBytes: 1000 });
  expect(cut).toMatchObject({ endedBy: 'maxBytes', bytes: 1000 });
});

itWith('redis-server')('redis-server: PING, and a value set and got in one dialogue', async () => {
  const port = await freePort();
  const place = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', directory];
  const redis = startProgram('redis-server', [...place, '--save', '', '--appendonly', 'no']);
  await redis.output('readiness', () => (redis.stdout.includes('Ready to accept connections') ? true : null));
  const pong = await exchange({ port, send: { data: 'PING\r\n' }, until: { delimiter: '\r\n' } });
  expect(pong).toMatchObject({ data: '+PONG\r\n', endedBy: 'delimiter' });
  const reply = { expect: { delimiter: '\r\n' } };
  const dialogue = await exchange({
    port,
    steps: [
      { send: 'SET fish salmon\r\n' },
      reply,
      { send: 'GET fish\r\n' },
      { expect: { matches: '^\\$6\\r\\n(.{6})\\r\\n' } },
      { send: 'QUIT\r\n' },
      { expect: { eof: true } },
    ],
  });
  expect(dialogue).toMatchObject({ data: '+OK\r\n$6\r\nsalmon\r\n+OK\r\n', endedBy: 'steps' });
});

check('a POP3 server: a mail, with its dots', async () => {
  const line = { expect: { matches: '^\\+OK.*\\r\\n' } };
  const answer = await exchange({
    port: await dialogues('pop3'),
    steps: [
      line,
      { send: 'USER ada\r\n' },
      line,
      { send: 'PASS secret\r\n' },
      line,
      { send: 'RETR 1\r\n' },
      { expect: { delimiter: '\r\n.\r\n' } },
      { send: 'QUIT\r\n' },
      { expect: { eof: true } },
    ],
  });
  expect(said(answer)[6]).toEqual([
    'expect',
    '+OK follows\r\nFrom: ada@example.test\r\nSubject: engines\r\n\r\n..a line with a dot in front\r\nthe end\r\n.\r\n',
  ]);
  expect(said(answer).at(-1)).toEqual(['expect', '+OK bye\r\n']);
});

check('an FTP server: a greeting of several lines, then a login', async () => {
  const reply = (code: number): object => ({ expect: { matches: `(?m)^${code} .*\\r\\n` } });
  const answer = await exchange({
    port: await dialogues('ftp'),
    steps: [
      reply(220),
      { send: 'USER anonymous\r\n' },
      reply(331),
      { send: 'PASS guest\r\n' },
      reply(230),
      { send: 'SYST\r\n' },
      reply(215),
      { send: 'QUIT\r\n' },
      { expect: { eof: true } },
    ],
  });
  expect(answer).toMatchObject({ endedBy: 'steps' });
  expect(said(answer).flatMap(([step, data]) => (step === 'expect' ? [data] : []))).toEqual([
    '220-welcome\r\n220 ready\r\n',
    '331 password for anonymous\r\n',
    '230 logged in\r\n',
    '215 UNIX Type: L8\r\n',
    '221 bye\r\n',
  ]);
});

itWith('socat')('socat: an echo over UDP, and over a Unix socket', async () => {
  const port = await freePort();
  startProgram('socat', [`UDP4-RECVFROM:${port},bind=127.0.0.1,fork`, 'EXEC:cat']);
  const path = join(directory, 'echo.sock');
  const listening = startProgram('socat', ['-d', '-d', `UNIX-LISTEN:${path},fork`, 'EXEC:cat']);
  await listening.output('listening', () => (listening.stderr.includes('listening on') ? true : null));
  const unix = { host: undefined, protocol: 'unix', path, send: { data: 'over a file' } };
  expect(await exchange({ ...unix, until: { bytes: 11 } })).toMatchObject({
    data: 'over a file',
    remoteAddress: { path },
    timings: { resolveMs: null },
  });
  const steps = [{ send: 'up to the end' }, { shutdown: 'write' }, { expect: { eof: true } }];
  const { protocol, host } = unix;
  expect((await exchange({ host, protocol, path, steps })).data).toBe('up to the end');
  const udp = await exchange({ protocol: 'udp', port, send: { data: 'hello' } });
  expect(udp).toMatchObject({ data: 'hello', endedBy: 'datagrams' });
});

describeWithOpenssl('with certificates', () => {
  let authority: Authority;
  let server: Certificate;
  beforeAll(() => {
    authority = new Authority('Test CA');
    server = authority.sign('localhost', { subjectAltName: 'DNS:localhost,IP:127.0.0.1' });
  });
  afterAll(() => authority.remove());

  check('an SMTP server: EHLO, STARTTLS, EHLO again', async () => {
    const port = await dialogues('smtp', server.files.certificate, server.files.key);
    const ok = { expect: { matches: '(?m)^250 .*\\r\\n' } };
    const steps = (tls: object): object[] => [
      { expect: { matches: '^220 .*\\r\\n' } },
      { send: 'EHLO client.test\r\n' },
      ok,
      { send: 'STARTTLS\r\n' },
      { expect: { matches: '^220 .*\\r\\n' } },
      { starttls: tls },
      { send: 'EHLO client.test\r\n' },
      ok,
      { send: 'QUIT\r\n' },
      { expect: { eof: true } },
    ];
    const answer = await exchange({ host: 'localhost', port, steps: steps({ ca: authority.ca }) });
    const greeting = '250-mail.example.test greets client.test\r\n250-8BITMIME\r\n250 ';
    expect(said(answer)[2]).toEqual(['expect', `${greeting}STARTTLS\r\n`]);
    expect(said(answer)[7]).toEqual(['expect', `${greeting}AUTH\r\n`]);
    expect(said(answer)[9]).toEqual(['expect', '221 bye\r\n']);
    expect(answer.tls).toMatchObject({ authorized: true, truncated: false });
    const untrusted = api.post('/v1/exchanges', { host: 'localhost', port, steps: steps({}) });
    const problem = await api.refused(untrusted, 502, 'tls-failed');
    expect(problem.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(problem.transcript).toHaveLength(6);
  });

  it('openssl s_server: TLS from the beginning', async () => {
    const { certificate, key } = server.files;
    const options = ['-accept', '127.0.0.1:0', '-cert', certificate, '-key', key, '-rev'];
    const port = await portOf(startProgram('openssl', ['s_server', ...options]), /ACCEPT \S+:(\d+)/);
    const body = {
      protocol: 'tls',
      host: 'localhost',
      port,
      send: { data: 'salmon\n' },
      until: { delimiter: '\n' },
    };
    const answer = await exchange({ ...body, tls: { ca: authority.ca } });
    expect(answer).toMatchObject({ data: 'nomlas\n', tls: { authorized: true } });
    const { connectMs, tlsMs, firstByteMs } = answer.timings;
    expect(tlsMs).toBeGreaterThan(0);
    expect(connectMs + tlsMs!).toBeLessThanOrEqual(firstByteMs!);
    await api.refused(api.post('/v1/exchanges', body), 502, 'tls-failed');
  });
});
