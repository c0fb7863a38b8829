import { parseNetwork, type Network } from '../../src/sockets/endpoint.js';
import { Policy, type PolicySettings } from '../../src/sockets/policy.js';

const networks = (...texts: string[]): Network[] =>
  texts.map(parseNetwork).filter((network): network is Network => network !== null);

function policy(settings: Partial<PolicySettings> = {}): Policy {
  return new Policy({
    protectedMode: false,
    egressAllow: [],
    egressDeny: [],
    bindAllow: [],
    bindPorts: { from: 1024, to: 65_535 },
    allowMetadata: false,
    ...settings,
  });
}

const SPECIAL = [
  ...['0.0.0.0', '100.64.0.1', '169.254.1.1', '192.0.0.1', '192.0.2.1', '192.88.99.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '255.255.255.255', '::', '::7f00:1', '::ffff:0:7f00:1'],
  ...['64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1'],
  ...['5f00::1', 'fe80::1', 'fec0::1', 'ff02::1'],
];
const LOCAL = [
  '127.0.0.1',
  '127.255.0.1',
  '::1',
  '::ffff:127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  'fd00::1',
];
const PUBLIC = ['1.1.1.1', '151.101.76.223', '2606:4700::1111', '::ffff:1.1.1.1'];

describe('dialling', () => {
  test.each(SPECIAL)('%s is denied in every mode', (address) => {
    expect(policy().mayConnect(address, 80).allowed).toBe(false);
    expect(policy({ protectedMode: true }).mayConnect(address, 80).allowed).toBe(false);
  });

  test.each(LOCAL)('%s is open in protected mode only', (address) => {
    expect(policy().mayConnect(address, 80).allowed).toBe(false);
    expect(policy({ protectedMode: true }).mayConnect(address, 80).allowed).toBe(true);
  });

  test.each(PUBLIC)('%s is open', (address) => {
    expect(policy().mayConnect(address, 80).allowed).toBe(true);
  });

  test('what the operator allows is open, what he denies is closed, and denying is stronger', () => {
    const rules = policy({
      egressAllow: networks('10.0.0.0/8'),
      egressDeny: networks('10.9.0.0/16', '1.1.1.1'),
    });
    expect(rules.mayConnect('10.1.0.1', 80)).toEqual({ allowed: true, rule: 'egress-allow 10.0.0.0/8' });
    expect(rules.mayConnect('10.9.0.1', 80)).toEqual({ allowed: false, rule: 'egress-deny 10.9.0.0/16' });
    expect(rules.mayConnect('1.1.1.1', 80).allowed).toBe(false);
  });

  test('metadata services need a switch of their own, whatever else is allowed', () => {
    const allowed = { egressAllow: networks('0.0.0.0/0', '::/0'), protectedMode: true };
    for (const address of ['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', '100.100.100.200']) {
      expect(policy(allowed).mayConnect(address, 80).allowed).toBe(false);
      expect(policy({ ...allowed, allowMetadata: true }).mayConnect(address, 80).allowed).toBe(true);
    }
  });

  test('the control port is never a target, on any address of this host', () => {
    const rules = policy({ protectedMode: true, egressAllow: networks('0.0.0.0/0') });
    rules.protectControlPort(3000, ['192.168.7.7', 'fe80::1%eth0']);
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '192.168.7.7']) {
      expect(rules.mayConnect(address, 3000)).toEqual({ allowed: false, rule: 'control-port' });
      expect(rules.mayConnect(address, 3001).allowed).toBe(true);
    }
  });

  test('what is not a numeric address is denied', () => {
    expect(policy({ protectedMode: true }).mayConnect('localhost', 80).allowed).toBe(false);
  });
});

describe('binding', () => {
  test('is for loopback and unprivileged ports, unless granted', () => {
    expect(policy().mayBind('127.0.0.1', 0).allowed).toBe(true);
    expect(policy().mayBind('::1', 8080).allowed).toBe(true);
    expect(policy().mayBind('127.0.0.1', 80).allowed).toBe(false);
    expect(policy().mayBind('0.0.0.0', 8080).allowed).toBe(false);
    expect(policy().mayBind('::', 8080).allowed).toBe(false);
    expect(policy().mayBind('192.168.1.1', 8080).allowed).toBe(false);
    expect(policy({ bindAllow: networks('0.0.0.0') }).mayBind('0.0.0.0', 8080).allowed).toBe(true);
    expect(policy({ bindPorts: { from: 1, to: 100 } }).mayBind('127.0.0.1', 80).allowed).toBe(true);
  });
});
