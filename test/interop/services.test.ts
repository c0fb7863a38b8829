/** The tables of this host as getent and python see them. */
import { execFileSync } from 'node:child_process';
import { findProtocols, findServices, type Service } from '../../src/network/index.js';
import { askPython } from '../support/oracle.js';
import { itWith } from '../support/peers.js';

const withGetent = itWith('getent');
const withPython = itWith('python3');

/** Lines of getent: a name, a number, aliases. */
function getent(table: string, ...keys: string[]): string[][] {
  const output = execFileSync('getent', [table, ...keys], { encoding: 'utf8' });
  return output
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
}

function rowsOf(services: readonly Service[]): string[] {
  return services
    .filter(({ source }) => source === 'libc')
    .map(({ name, port, protocol, aliases }) => [name, `${port}/${protocol}`, ...aliases].join(' '))
    .sort();
}

withGetent(
  'the whole table of services has the entries that getent lists, and IANA only where it has none',
  async () => {
    const all = await findServices({});
    const listed = getent('services').map((row) => row.join(' '));
    expect(rowsOf(all)).toEqual(listed.sort());
    const host = new Set(getent('services').map(([, port]) => port));
    const added = all.filter(({ source }) => source === 'iana');
    expect(added.length).toBeGreaterThan(10_000);
    expect(added.filter(({ port, protocol }) => host.has(`${port}/${protocol}`))).toEqual([]);
  },
);

withGetent('the whole table of protocols has the entries that getent lists', async () => {
  const all = await findProtocols({});
  const host = all
    .filter(({ source }) => source === 'libc')
    .map(({ name, number, aliases }) => [name, String(number), ...aliases].join(' '));
  expect(host.sort()).toEqual(
    getent('protocols')
      .map((row) => row.join(' '))
      .sort(),
  );
  const numbers = all.map(({ number }) => number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});

withPython(
  'every service of the host is found by its port, its name and its aliases, as python finds it',
  async () => {
    const rows = getent('services').map(([name = '', where = '', ...aliases]) => {
      const [port, protocol = ''] = where.split('/');
      return { names: [name, ...aliases], port: Number(port), protocol };
    });
    const byPort = askPython<string>(rows.map(({ port, protocol }) => ['getservbyport', port, protocol]));
    for (const [i, { port, protocol }] of rows.entries()) {
      const [found] = await findServices({ port, protocol });
      expect({ port, protocol, name: found?.name }).toEqual({ port, protocol, name: byPort[i] });
    }
    const named = rows.flatMap(({ names, protocol }) => names.map((name) => ({ name, protocol })));
    const byName = askPython<number>(named.map(({ name, protocol }) => ['getservbyname', name, protocol]));
    for (const [i, question] of named.entries()) {
      expect([question, (await findServices(question))[0]?.port]).toEqual([question, byName[i]]);
    }
  },
);

withPython(
  'of all ports, those that python has no name for are answered from the registry of IANA',
  async () => {
    const ports = Array.from({ length: 1024 }, (_, port) => port);
    const answers = askPython<string | null>(ports.map((port) => ['getservbyport', port, 'tcp']));
    for (const port of ports) {
      const [found] = await findServices({ port, protocol: 'tcp' });
      if (answers[port] === null) expect([port, found?.source ?? 'iana']).toEqual([port, 'iana']);
      else expect([port, found?.source, found?.name]).toEqual([port, 'libc', answers[port]]);
    }
  },
);

withPython('every protocol is found by its name and its number', async () => {
  const rows = getent('protocols').map(([name = '', number, ...aliases]) => ({
    names: [name, ...aliases],
    number: Number(number),
  }));
  const names = rows.flatMap((row) => row.names);
  const numbers = askPython<number>(names.map((name) => ['getprotobyname', name]));
  for (const [i, name] of names.entries()) {
    expect(await findProtocols({ name })).toMatchObject([{ number: numbers[i], source: 'libc' }]);
  }
  for (const { number } of rows)
    expect(await findProtocols({ number })).toMatchObject([{ number, source: 'libc' }]);
});
