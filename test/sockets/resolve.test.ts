import { hostEntry } from '../../src/sockets/index.js';

test('the entry of a name has its addresses', async () => {
  expect(await hostEntry('localhost', 5_000)).toMatchObject({ name: 'localhost', addresses: ['127.0.0.1'] });
  expect(await hostEntry('127.0.0.1', 5_000)).toEqual({
    name: '127.0.0.1',
    aliases: [],
    addresses: ['127.0.0.1'],
  });
});

test('what is no name is not asked for', async () => {
  for (const name of ['', 'a b', 'localhost\0.example', 'x'.repeat(254)])
    await expect(hostEntry(name, 5_000)).rejects.toMatchObject({ code: 'EINVAL' });
});
