import { endianness } from 'node:os';
import type { ByteOrderDto } from '../../src/modules/byte-order/byte-order.dto.js';
import { startApi, type Api } from '../support/api.js';

let api: Api;
beforeAll(async () => (api = await startApi()));
afterAll(() => api.close());

async function swap(value: string, bits: number): Promise<ByteOrderDto> {
  const { status, body } = await api.get<ByteOrderDto>('/v1/byte-order', { value, bits });
  expect([value, status]).toEqual([value, 200]);
  return body;
}

const onLittleEndian = endianness() === 'LE' ? it : it.skip;

onLittleEndian('a number is shown in both orders, with its bytes', async () => {
  expect(await swap('1234', 32)).toEqual({
    value: 1234,
    bits: 32,
    hostEndianness: 'little',
    networkOrder: 3_523_477_504,
    hostOrder: 3_523_477_504,
    bytes: { host: 'd2040000', network: '000004d2' },
  });
  expect(await swap('0x50', 16)).toMatchObject({
    value: 80,
    networkOrder: 20_480,
    bytes: { network: '0050' },
  });
});

onLittleEndian('a number of 64 bits is text, and exact', async () => {
  expect(await swap('1', 64)).toMatchObject({ value: '1', networkOrder: '72057594037927936' });
  expect(await swap('18446744073709551614', 64)).toMatchObject({
    value: '18446744073709551614',
    networkOrder: '18374686479671623679',
    bytes: { host: 'feffffffffffffff', network: 'fffffffffffffffe' },
  });
});

it('32 bits are meant where nothing is said', async () => {
  expect((await api.get<ByteOrderDto>('/v1/byte-order', { value: '7' })).body.bits).toBe(32);
});

it('what does not fit is refused, and so is what is no number', async () => {
  const wrong: [Record<string, string | number>, string][] = [
    [{ value: '65536', bits: 16 }, '/value'],
    [{ value: '4294967296', bits: 32 }, '/value'],
    [{ value: '18446744073709551616', bits: 64 }, '/value'],
    [{ value: '0x10000', bits: 16 }, '/value'],
    [{ value: '-1', bits: 16 }, '/value'],
    [{ value: '010', bits: 16 }, '/value'],
    [{ value: '1.5', bits: 16 }, '/value'],
    [{ value: '1e3', bits: 16 }, '/value'],
    [{ value: '', bits: 16 }, '/value'],
    [{ value: '9'.repeat(100), bits: 64 }, '/value'],
    [{ value: '1', bits: 8 }, '/bits'],
    [{ bits: 16 }, '/value'],
  ];
  for (const [query, pointer] of wrong) {
    const problem = await api.refused(api.get('/v1/byte-order', query), 400, 'validation-failed');
    expect([query, problem.errors?.[0]?.pointer]).toEqual([query, pointer]);
  }
  const { errors } = await api.refused(
    api.get('/v1/byte-order', { value: '65536', bits: 16 }),
    400,
    'validation-failed',
  );
  expect(errors?.[0]?.detail).toBe('does not fit into 16 bits: 65535 is the most');
});
