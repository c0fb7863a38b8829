import { hostname } from 'node:os';
import type { HostDto } from '../../src/modules/host/host.dto.js';
import type { TimeDto } from '../../src/modules/time/time.dto.js';
import { startApi, type Api } from '../support/api.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

describe('the host', () => {
  it('tells its name, its interfaces and its limits', async () => {
    const { status, body } = await api.get<HostDto>('/v1/host');
    expect(status).toBe(200);
    expect(body.hostname).toBe(hostname());
    expect(body.interfaces.find(({ name }) => name === 'lo')).toMatchObject({
      index: 1,
      mac: '00:00:00:00:00:00',
      flags: expect.arrayContaining(['LOOPBACK']) as unknown,
    });
    expect(body.sysctls['net.core.somaxconn']).toBeGreaterThan(0);
    expect(body.sysctls['net.ipv4.ip_local_port_range']).toHaveLength(2);
    // Either it has a name that resolves, or it says why not.
    expect(body.nameError === null).toBe(body.addresses.length > 0);
  });

  it('tells many callers at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => api.get<HostDto>('/v1/host')));
    for (const { status, body } of answers) expect([status, body.hostname]).toEqual([200, hostname()]);
  });
});

describe('the clock', () => {
  it('is told in all forms of one moment', async () => {
    const before = Date.now();
    const { status, body } = await api.get<TimeDto>('/v1/time');
    expect(status).toBe(200);
    const ms = Date.parse(body.time);
    expect([ms >= before, ms <= Date.now()]).toEqual([true, true]);
    expect(body.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Date.parse(body.localTime)).toBe(ms);
    expect(body.unixSeconds).toBe(Math.floor(ms / 1000));
    expect(Math.floor(body.nanoseconds / 1_000_000)).toBe(ms % 1000);
    expect(body.ntp.seconds + body.ntp.era * 2 ** 32).toBe(body.unixSeconds + 2_208_988_800);
    expect(Math.abs(body.ntp.fraction / 2 ** 32 - body.nanoseconds / 1e9)).toBeLessThan(1e-9);
    expect(body.uptimeMs).toBeGreaterThan(0);
  });

  it('runs on', async () => {
    const [first, second] = [await api.get<TimeDto>('/v1/time'), await api.get<TimeDto>('/v1/time')];
    expect(second.body.monotonicMs).toBeGreaterThan(first.body.monotonicMs);
    expect(second.body.uptimeMs).toBeGreaterThan(first.body.uptimeMs);
  });
});
