import type { ListenerDto } from '../../src/modules/common/listener.dto.js';
import { startApi, type Api } from '../support/api.js';
import { closePeers, Peer } from './peer.js';
import { accept, inState, listen } from './steps.js';
import { portOf } from '../support/ends.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterEach(closePeers);
afterAll(() => api.close());

/** All that a peer gets which sends this and says that it is done. */
async function answerTo(listener: ListenerDto, said: string | Buffer): Promise<string> {
  const peer = await Peer.connect(portOf(listener));
  peer.send(said);
  peer.finish();
  const { bytes, ended } = await peer.rest();
  expect(ended).toBe('end');
  return bytes.toString();
}

const LINES = { framing: { type: 'delimiter', delimiter: '\n' } };

it('echo answers what comes, and closes when the peer has said everything', async () => {
  const listener = await listen(api, { responder: 'echo' });
  const { peer, connection } = await accept(api, listener);
  peer.send('hello');
  expect((await peer.received(5)).toString()).toBe('hello');
  const bytes = Buffer.alloc(300_000, 'abc');
  peer.send(bytes);
  expect((await peer.received(300_005)).subarray(5).equals(bytes)).toBe(true);
  peer.finish();
  expect((await peer.rest()).ended).toBe('end');
  await inState(api, connection.id, 'closed');
});

it('greets, answers by the first rule that fits, and otherwise', async () => {
  const listener = await listen(api, {
    name: 'menu',
    responder: {
      ...LINES,
      onConnect: [{ send: 'welcome to {{ connection.name }}\n' }, { send: 'your choice? ' }],
      rules: [
        { when: { equals: '0' }, then: [{ send: 'this call may be recorded\n' }] },
        {
          when: { matches: '^call (?P<who>\\w+)$' },
          then: [{ send: 'calling {{ match.who }} ({{ match[1] }})\n' }],
        },
        { when: { all: [{ startsWith: 'a' }, { not: { endsWith: 'z' } }] }, then: [{ send: 'a..\n' }] },
        { when: { any: [{ contains: '42' }, { hex: '00ff' }] }, then: [{ sendBytes: { hex: '0a 0b' } }] },
        { when: { equals: 'exit' }, then: [{ send: 'bye\n' }, { close: true }, { send: 'never' }] },
      ],
      otherwise: [{ send: '{{ message.text | upcase }} has {{ message.length }}\n' }],
    },
  });
  const said = '0\r\ncall bob\nabc\nabz\nx42x\ngrün\nexit\nmore\n';
  expect(await answerTo(listener, said)).toBe(
    'welcome to menu-1\nyour choice? this call may be recorded\ncalling bob (bob)\na..\nABZ has 3\n\n\vGRÜN has 4\nbye\n',
  );
  const { body } = await api.get<ListenerDto>(`/v1/listeners/${listener.id}`);
  expect(body.responder).toMatchObject({ messages: 7, failures: 0, otherwise: { hits: 2 } });
  expect(body.responder?.rules.map(({ hits }) => hits)).toEqual([1, 1, 1, 1, 1]);
});

describe('what cannot be carried out', () => {
  const at = async (responder: object | string): Promise<[string, string][]> => {
    const call = api.post('/v1/listeners', { name: 'never', responder });
    const { errors = [] } = await api.refused(call, 400, 'validation-failed');
    await api.refused(api.get('/v1/listeners/never'), 404, 'not-found');
    return errors.map(({ pointer, detail }) => [pointer, detail]);
  };

  it('is refused by where it stands, with line and column, and nothing is bound', async () => {
    const send = [{ send: 'ok' }, { send: 'one\n{{ message.text | nope }}' }];
    expect(await at({ otherwise: send })).toEqual([
      ['/responder/otherwise/1/send', 'line 2, column 1: undefined filter: nope'],
    ]);
    expect(await at({ otherwise: [{ send: '{{ process.env }}' }] })).toEqual([
      ['/responder/otherwise/0/send', 'line 1, column 4: there is no process.env'],
    ]);
    expect(await at({ rules: [{ when: { not: { matches: 'a(b' } }, then: [] }] })).toEqual([
      ['/responder/rules/0/when/not/matches', 'missing closing ): a(b'],
    ]);
    expect(await at({ rules: [{ when: { matches: 'x[z-a]' }, then: [] }] })).toEqual([
      ['/responder/rules/0/when/matches', 'column 3: invalid character class range: z-a'],
    ]);
    expect(await at({ encoding: 'klingon', otherwise: [{ send: 'x' }] })).toEqual([
      ['/responder/encoding', 'klingon is no encoding that can be read'],
    ]);
    expect(await at({ encoding: 'latin1', otherwise: [{ send: '→' }] })).toEqual([
      ['/responder/otherwise/0/send', 'is not valid latin1'],
    ]);
  });

  it('names every place at once', async () => {
    const wrong = await at({
      framing: { type: 'fixed' },
      rules: [{ when: {}, then: [{ send: 'a', close: true }] }],
      otherwise: [{ sendBytes: '0g' }, { close: false }, { send: 'x', framed: true }],
    });
    expect(wrong.map(([pointer]) => pointer)).toEqual([
      '/responder/framing/bytes',
      '/responder/rules/0/when',
      '/responder/rules/0/then/0',
      '/responder/otherwise/0/sendBytes/hex',
      '/responder/otherwise/1/close',
      '/responder/otherwise/2/send',
    ]);
  });

  it('has no tag that reads a file, and no filter that takes its time', async () => {
    for (const tag of ['include "x"', 'render "x"', 'layout "x"', 'capture x'])
      expect((await at({ otherwise: [{ send: `{% ${tag} %}` }] }))[0]?.[1]).toMatch(/tag "\w+" not found/);
    for (const filter of ['strip_html', 'where_exp: "x", "y"', 'inspect'])
      expect((await at({ otherwise: [{ send: `{{ now | ${filter} }}` }] }))[0]?.[1]).toMatch(
        /undefined filter/,
      );
  });

  it('is refused by its form as every body is', async () => {
    expect(await at('ecco')).toEqual([
      [
        '/responder',
        'responder must be an object, or one of echo, discard, upper, daytime, time, chargen, qotd',
      ],
    ]);
    const { id } = await listen(api);
    const put = api.put(`/v1/listeners/${id}/responder`, '"ecco"');
    expect((await api.refused(put, 400, 'validation-failed')).errors).toEqual([
      {
        pointer: '',
        detail: 'must be an object, or one of echo, discard, upper, daytime, time, chargen, qotd',
      },
    ]);
    expect((await at({ rules: [[{}]] }))[0]?.[0]).toBe('/responder/rules');
    expect((await at({ preset: 'echo', otherwise: [] }))[0]?.[0]).toBe('/responder/otherwise');
    expect((await at({ framing: { type: 'delimiter', delimiter: '\n', bytes: 3 } }))[0]?.[0]).toBe(
      '/responder/framing/bytes',
    );
  });

  it('is a pattern that takes its time over the largest message', async () => {
    const matches = '((a?){20}){10}[b-z]$';
    const wrong = await at({ rules: [{ when: { matches }, then: [] }] });
    expect(wrong).toEqual([
      ['/responder/rules/0/when/matches', expect.stringMatching(/^is too large: \d+ states/)],
    ]);
    const framing = { type: 'delimiter', delimiter: '\n', maxBytes: 1000 };
    await listen(api, { responder: { framing, rules: [{ when: { matches }, then: [] }] } });
  });
});
