/** A C library without getaddrinfo_a, as musl: one question cannot be asked, all others can. */
import type Koffi from 'koffi';
import { startApi } from '../support/api.js';

jest.mock('koffi', () => {
  const real = jest.requireActual<typeof Koffi>('koffi');
  const load = (name: string | null): object => {
    const func = (prototype: string): unknown => {
      if (/getaddrinfo_a|gai_error/.test(prototype)) throw new Error(`Cannot find function: ${prototype}`);
      return real.load(name).func(prototype);
    };
    return { func };
  };
  return { __esModule: true, default: { ...real, load } };
});

it('lookup is not supported, and nothing else is missing', async () => {
  const api = await startApi();
  const lookup = api.get('/v1/dns/lookup', { host: 'localhost' });
  expect(await api.refused(lookup, 422, 'not-supported')).toMatchObject({ code: 'EOPNOTSUPP' });
  const others: [string, Record<string, string>][] = [
    ['/v1/dns/reverse', { address: '127.0.0.1' }],
    ['/v1/services', { name: 'http' }],
    ['/v1/host', {}],
  ];
  for (const [path, query] of others)
    expect([path, (await api.get(path, query)).status]).toEqual([path, 200]);
  await api.close();
});
