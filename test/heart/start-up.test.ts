import { stopPrograms } from '../support/peers.js';
import { spawnService } from '../support/service.js';

afterAll(stopPrograms);

it.each<[string, Record<string, string>]>([
  ['SOCKEYE_PORT', { SOCKEYE_PORT: 'abc' }],
  ['SOCKEYE_PORT', { SOCKEYE_PORT: '70000' }],
  ['SOCKEYE_LOG_LEVEL', { SOCKEYE_LOG_LEVEL: 'loud' }],
  ['SOCKEYE_MAX_SOCKETS', { SOCKEYE_MAX_SOCKETS: '-1' }],
  ['SOCKEYE_API_KEYS', { SOCKEYE_API_KEYS: 'no-secret' }],
  ['SOCKEYE_API_KEYS_FILE', { SOCKEYE_API_KEYS_FILE: '/does/not/exist' }],
  ['SOCKEYE_BIND_ALLOW', { SOCKEYE_BIND_ALLOW: 'everywhere' }],
  // Reachable from elsewhere, and nobody would be asked for a key.
  ['SOCKEYE_API_KEYS', { SOCKEYE_HOST: '0.0.0.0' }],
  ['SOCKEYE_API_KEYS', { SOCKEYE_HOST: '::' }],
])('a start that needs another %s ends within 2 s with one line that names it: %j', async (name, env) => {
  const program = spawnService(env);
  const { code } = await program.exit(2_000);
  expect(code).toBeGreaterThan(0);
  const lines = program.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(name);
});
