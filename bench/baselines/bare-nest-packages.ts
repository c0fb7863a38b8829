import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

/* The bare Nest application, with all that Sockeye depends on loaded beside it. Usage: as bare-nest.js. */

const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
const require = createRequire(import.meta.url);
// A package of JSON can only be required.
for (const name of Object.keys(dependencies)) await import(name).catch(() => require(name));
await import('./bare-nest.js');
