import { readConfiguration, type Environment } from '../../src/modules/config/configuration.js';

const KEY = 'ci.0123456789abcdef0123456789abcdef';
const read = (environment: Environment, file = '') => readConfiguration(environment, () => file);

test('without any variable the service is for this host only', () => {
  expect(read({})).toMatchObject({
    host: '127.0.0.1',
    port: 3000,
    apiKeys: [],
    bindPorts: { from: 1024, to: 65535 },
  });
});

test.each([
  ['SOCKEYE_PORT', 'abc'],
  ['SOCKEYE_PORT', '70000'],
  ['SOCKEYE_PORT', '-1'],
  ['SOCKEYE_PORT', '80.5'],
  ['SOCKEYE_LOG_LEVEL', 'loud'],
  ['SOCKEYE_EGRESS_ALLOW', '10.0.0.0/99'],
  ['SOCKEYE_EGRESS_DENY', 'example.test'],
  ['SOCKEYE_BIND_ALLOW', '*'],
  ['SOCKEYE_PORT_RANGE', '80'],
  ['SOCKEYE_PORT_RANGE', '90-80'],
  ['SOCKEYE_MAX_SOCKETS', '0'],
  ['SOCKEYE_MAX_BODY_BYTES', '1e9'],
  ['SOCKEYE_DRAIN_MS', '20000'],
  ['SOCKEYE_ALLOW_METADATA', 'yes'],
  ['SOCKEYE_HOST', '0.0.0.0'],
  ['SOCKEYE_API_KEYS', 'secret'],
  ['SOCKEYE_API_KEYS', 'id.short'],
])('%s=%s is refused by its name', (variable, value) => {
  expect(() => read({ [variable]: value })).toThrow(new RegExp(`^${variable}: `));
});

test('an empty variable counts as not set', () => {
  expect(read({ SOCKEYE_PORT: '', SOCKEYE_API_KEYS: ' ' })).toMatchObject({ port: 3000, apiKeys: [] });
});

test('another host is allowed with a key', () => {
  expect(read({ SOCKEYE_HOST: '0.0.0.0', SOCKEYE_API_KEYS: KEY })).toMatchObject({
    host: '0.0.0.0',
    apiKeys: [{ id: 'ci' }],
  });
});

test('keys are kept as digests, and no message repeats one', () => {
  const { apiKeys } = read({ SOCKEYE_API_KEYS: KEY });
  expect(JSON.stringify(apiKeys)).not.toContain('0123456789abcdef');
  expect(() => read({ SOCKEYE_API_KEYS: 'ci.tooshort' })).toThrow(expect.not.stringContaining('tooshort'));
});

test('a key file holds a key a line, with comments', () => {
  const environment = { SOCKEYE_API_KEYS_FILE: '/etc/keys' };
  expect(read(environment, `# ours\n${KEY}\n\n`).apiKeys).toMatchObject([{ id: 'ci' }]);
  expect(() => read(environment, '# none\n')).toThrow(/^SOCKEYE_API_KEYS_FILE: holds no key/);
});

test('a key file that cannot be read is named', () => {
  const missing = (): string => {
    throw new Error('ENOENT: no such file');
  };
  expect(() => readConfiguration({ SOCKEYE_API_KEYS_FILE: '/nowhere' }, missing)).toThrow(
    /^SOCKEYE_API_KEYS_FILE: ENOENT/,
  );
});

test('two keys with one id are refused', () => {
  expect(() => read({ SOCKEYE_API_KEYS: `${KEY},${KEY}` })).toThrow(/same id/);
});
