import { dial, type Program, startProgram, stopPrograms } from '../support/peers.js';
import { type Service, startService } from '../support/service.js';

/* examples/read-listener.mjs: what it says of each connection, and that it ends with its listener. */

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(stopPrograms);

function example(listenerId: string): Program {
  const url = service.url.replace('http', 'ws');
  return startProgram(process.execPath, ['examples/read-listener.mjs', url, listenerId]);
}

it('says what comes, how each connection ended, and ends with its listener', async () => {
  const listener = await service.listen({ name: 'meters' });
  const ours = example('meters');
  const says = (words: RegExp) =>
    ours.output(String(words), () => (words.test(ours.stdout.toString()) ? true : null));

  const polite = await dial(listener.port);
  await polite.send('hello');
  await polite.ask({ do: 'shutdown' }, 'shut-down');
  await says(/^con_\w+ @0 "hello"\ncon_\w+ ended at 5\n/);
  const { id } = await service.connection(listener.id, polite.localPort);
  await service.del(`/v1/sockets/${id}`);
  await says(new RegExp(`^${id} closed: api$`, 'm'));

  const rude = await dial(listener.port);
  await rude.send('cut sh');
  await says(/"cut sh"/);
  await rude.ask({ do: 'reset' }, 'closed');
  await says(/^con_\w+ closed: .*ECONNRESET/m);

  const last = await dial(listener.port);
  await last.send('still here');
  await says(/"still here"/);
  await service.del('/v1/listeners/meters');
  expect(await ours.exit()).toEqual({ code: 0, signal: null });
  expect(ours.stdout.toString()).toMatch(/^meters closed: /m);
  expect(ours.stdout.toString().match(/closed: /g)).toHaveLength(4);
  expect(ours.stderr).toBe('');
});

it('ends with 1 where there is no such listener', async () => {
  const ours = example('nobody');
  expect((await ours.exit()).code).toBe(1);
  expect(ours.stderr).toMatch(/^Not found: /);
});
