import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is there more than once. */
function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

it('no two classes of the modules have one name: of two schemas in a document the later one would count', () => {
  const files = readdirSync('src/modules', { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts')).map((file) => join('src/modules', file));
  const classes = sources.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^(?:export )?(?:abstract )?class (\w+)/gm)].map(
      ([, name = '']) => name,
    ),
  );
  expect(classes).toEqual(expect.arrayContaining(['SocketDto', 'HealthDto', 'NameInPath']));
  expect(repeated(classes)).toEqual([]);
});

it('decisions are numbered one after the other, in the name of the file and in its title', () => {
  const files = readdirSync('docs/adr').sort();
  const titles = files.map((file) => readFileSync(join('docs/adr', file), 'utf8').split('\n', 1)[0]);
  files.forEach((file, index) => {
    expect(file).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-`));
    expect(titles[index]).toMatch(new RegExp(`^# ${String(index + 1)}\\. `));
  });
});
