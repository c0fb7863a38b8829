import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { itWith, startProgram, stopPrograms } from '../support/peers.js';

/** A network of its own, with an interface that carries multicast: the loopback does not. */
const NETWORK = [
  'ip link set lo up',
  'ip link add near0 type veth peer name far0',
  'ip address add 10.9.9.1/24 brd + dev near0',
  'ip address add fd00:9::1/64 dev near0 nodad',
  'ip link set near0 up multicast on',
  'ip link set far0 up',
  'ip route add 239.0.0.0/8 dev near0',
];
const SCRIPT = join(process.cwd(), 'test', 'support', 'peers', 'multicast.py');
const MAIN = join(process.cwd(), 'dist', 'main.js');

const made = spawnSync('unshare', ['-n', 'sh', '-c', NETWORK.join(' && ')]).status === 0;
if (!made) console.warn('multicast test skipped: no permission to make a network namespace');
const check = made
  ? itWith('python3')
  : (title: string) => it.skip(`${title} (skipped: no network namespace)`);

afterAll(stopPrograms);

function groupSeen(group: string): object {
  const membership = { group, interface: 'near0' };
  return {
    joined: [200, membership],
    again: true,
    listed: [membership],
    came: ['to the group'],
    left: 204,
    after: ['to the socket'],
    twice: [409, 'EADDRNOTAVAIL'],
    empty: [],
  };
}

check('multicast of both families and broadcast go both ways between the service and python', async () => {
  const commands = [...NETWORK, `exec python3 ${SCRIPT} ${MAIN}`].join(' && ');
  const python = startProgram('unshare', ['-n', 'sh', '-c', commands]);
  expect(await python.exit(25_000)).toMatchObject({ code: 0 });
  expect(JSON.parse(python.stdout.toString())).toEqual({
    v4: groupSeen('239.1.1.1'),
    v6: groupSeen('ff15::1'),
    toV4: { sent: { bytesSent: 16 }, came: 'from the service' },
    toV6: { sent: { bytesSent: 16 }, came: 'from the service' },
    broadcast: { without: [403, 'EACCES'], came: 'everybody' },
    refused: {
      denied: 'default 224.0.0.0/4',
      'no group': [400, 'EINVAL'],
      'no address': [400, 'EINVAL'],
      'no interface': [400, 'EINVAL'],
      'no such address': [409, 'EADDRNOTAVAIL'],
      'by address': { group: '239.1.1.1', interface: 'near0' },
    },
  });
});
