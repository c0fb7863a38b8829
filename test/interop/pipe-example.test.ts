import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { type Program, startProgram, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

/* examples/pipe.mjs: its exit code says whether the conversation came to its end. */

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(stopPrograms);

function example(query: string): Program {
  const url = `${service.url.replace('http', 'ws')}/v1/pipe?${query}`;
  return startProgram(process.execPath, ['examples/pipe.mjs', url]);
}

it('says what the peer says, and ends with 0 at its EOF', async () => {
  const server = createServer((socket) =>
    socket.once('data', (data) => socket.end(`you said ${String(data)}`)),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const ours = example(`host=127.0.0.1&port=${(server.address() as AddressInfo).port}`);
  ours.write('hello');
  expect((await ours.exit()).code).toBe(0);
  expect([ours.stdout.toString(), ours.stderr]).toEqual(['you said hello', 'closed: 1000 eof\n']);
  server.close();
});

it('ends with 1, and says why, where nobody listens', async () => {
  const ours = example('host=127.0.0.1&port=1');
  expect((await ours.exit()).code).toBe(1);
  expect(ours.stderr).toBe('closed: 4502 https://sockeye.dev/problems/connection-refused\n');
});

it.each([[[]], [['localhost']], [['ws://']]])('ends with 2, and says how it is used: %j', async (args) => {
  const ours = startProgram(process.execPath, ['examples/pipe.mjs', ...args]);
  expect((await ours.exit()).code).toBe(2);
  expect(ours.stderr).toMatch(/^usage: node examples\/pipe\.mjs .*\n$/);
});

it('ends with 1 where there is no such door', async () => {
  const url = service.url.replace('http', 'ws');
  const ours = startProgram(process.execPath, ['examples/pipe.mjs', url]);
  expect((await ours.exit()).code).toBe(1);
  expect(ours.stderr).toContain('404');
});
