import { stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';
import { StreamClient, terminateClients, upgradeStatus } from '../support/ws-client.js';

const SECRET = '0123456789abcdef0123456789abcdef';
const KEY = `ci.${SECRET}`;

afterAll(async () => {
  terminateClients();
  await stopPrograms();
});

describe('with keys', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ SOCKEYE_API_KEYS: KEY });
  });

  it.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['another secret', { authorization: `Bearer ci.${SECRET.replace('0', '1')}` }],
    ['an unknown id', { authorization: `Bearer di.${SECRET}` }],
    ['the secret alone', { authorization: `Bearer ${SECRET}` }],
    ['a longer secret', { authorization: `Bearer ${KEY}0` }],
    ['another scheme', { authorization: `Token ${KEY}` }],
  ])('a request with %s is a 401', async (_, headers) => {
    const answer = await service.call<{ type: string }>('/v1/sockets', { headers });
    expect(answer.status).toBe(401);
    expect(answer.body.type).toMatch(/\/unauthorized$/);
    expect(await upgradeStatus(service, '/v1/stream', { headers })).toMatchObject({ status: 401 });
  });

  it('a request with the key is answered', async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    expect((await service.call('/v1/sockets', { headers })).status).toBe(200);
  });

  it.each(['/v1/stream', '/v1/pipe?host=127.0.0.1&port=1'])(
    'an upgrade of %s without a key is a 401 in place of the upgrade',
    async (path) => {
      expect(await upgradeStatus(service, path)).toMatchObject({ status: 401 });
      const protocols = ['sockeye.v1', `sockeye.bearer.di.${SECRET}`];
      expect(await upgradeStatus(service, path, { protocols })).toMatchObject({ status: 401 });
    },
  );

  it('an upgrade with the key as a subprotocol is accepted, and the key is not sent back', async () => {
    const protocols = ['sockeye.v1', `sockeye.bearer.${KEY}`];
    expect(await upgradeStatus(service, '/v1/stream', { protocols })).toEqual({
      status: 101,
      protocol: 'sockeye.v1',
    });
  });

  it('an upgrade with the key in the header is accepted', async () => {
    const headers = { authorization: `Bearer ${KEY}` };
    const client = await StreamClient.open(service, { headers });
    expect((await client.ask('ping')).event).toBe('pong');
  });
});

describe('in protected mode', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService();
  });

  it.each([
    ['a foreign Host', { host: 'evil.example' }],
    ['a foreign Host with our port', (port: number) => ({ host: `evil.example:${port}` })],
    ['a Host that starts like ours', { host: '127.0.0.1.evil.example' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['the Origin of another local port', { origin: 'http://127.0.0.1:1' }],
    ['the Origin null', { origin: 'null' }],
  ])('%s is a 403 on requests and upgrades', async (_, given) => {
    const headers = typeof given === 'function' ? given(service.port) : given;
    expect(await service.status('/v1/sockets', headers)).toBe(403);
    expect(await upgradeStatus(service, '/v1/stream', { headers })).toMatchObject({ status: 403 });
    expect(await upgradeStatus(service, '/v1/pipe?host=127.0.0.1&port=1', { headers })).toMatchObject({
      status: 403,
    });
  });

  it.each([
    ['no Origin', () => ({})],
    ['localhost as Host', (port: number) => ({ host: `localhost:${port}` })],
    ['the Origin of the service', (port: number) => ({ origin: `http://127.0.0.1:${port}` })],
  ])('%s is fine on requests and upgrades', async (_, given) => {
    const headers: Record<string, string> = given(service.port);
    expect(await service.status('/v1/sockets', headers)).toBe(200);
    const protocols = ['sockeye.v1'];
    expect(await upgradeStatus(service, '/v1/stream', { headers, protocols })).toMatchObject({ status: 101 });
  });

  it('an upgrade of another path is refused before it is one', async () => {
    expect((await upgradeStatus(service, '/v1/nothing')).status).toBe(404);
  });
});
