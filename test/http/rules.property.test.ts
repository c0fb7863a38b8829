import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { instanceOf } from '../../src/modules/common/instances.js';
import { keepsRules } from '../../src/modules/common/rules.js';
import { CreateExchangeDto } from '../../src/modules/exchanges/exchanges.dto.js';
import { CreateListenerDto, RemoveListenerQuery } from '../../src/modules/listeners/listeners.dto.js';
import { CreateScanDto } from '../../src/modules/scans/create-scan.dto.js';

/** What each field has in one body or another: as it should be, at a bound, of another type, null. */
const ANY = [undefined, null, -1, 0, 1, 70_000, 1.5, '', 'tcp', '1', true, [], [1], {}, { a: 'b' }, { a: 1 }];

const FIELDS: Record<string, unknown[]> = {
  protocol: ['udp', 'unix', 'none'],
  host: ['127.0.0.1', 'localhost', '::1', 'not a host', 'a'.repeat(300)],
  port: [65_535, 65_536],
  name: ['meters', 'lsn_1', 'a'.repeat(65)],
  labels: [{ run: '42' }, { '=': 'x' }],
  options: [{ SO_RCVBUF: 1 }],
  limits: [{ maxConnections: 1 }, { maxConnections: 0 }, { acceptCount: null }, { other: 1 }],
  receive: [{ overflow: 'pause' }, { overflow: 'none' }, { readerTtlMs: null, store: 'memory' }],
  tls: [{ cert: 'x', key: 'y' }, { cert: 1 }],
  responder: ['echo', 'none', { framing: { type: 'none' }, rules: [{ when: { equals: 'x' }, then: [] }] }],
  hosts: [['a', 'b'], ['a', 'a'], 'a'],
  ports: ['1-5', ['1', 2]],
  steps: [[{ send: 'x' }], [{ send: { data: 'x' } }, { expect: { eof: true } }], [null], ['x'], [[]]],
  send: [
    { data: 'x', encoding: 'utf8' },
    { data: 'x', encoding: 'none' },
  ],
  until: [{ eof: true }, { bytes: 0 }, { delimiter: '\n' }],
  drainMs: ['5', '-5'],
  mode: ['reset'],
  toString: [1],
};

/** Changes to a body: a few fields, each of them something it can be, or cannot. */
const changes = fc.array(
  fc
    .constantFrom(...Object.keys(FIELDS))
    .chain((name) => fc.tuple(fc.constant(name), fc.constantFrom<unknown>(...(FIELDS[name] ?? []), ...ANY))),
  { maxLength: 3 },
);

const scan = { host: '127.0.0.1', ports: '1-5' };
const dialogue = { host: '127.0.0.1', port: 7, steps: [{ send: 'x' }, { expect: { bytes: 1 } }] };

test.each([
  [CreateListenerDto, { limits: { maxConnections: 1 }, labels: { run: '42' } }],
  [RemoveListenerQuery, {}],
  [CreateExchangeDto, dialogue],
  [CreateScanDto, scan],
])(
  '%p is made as class-transformer does, and keeps its rules exactly when class-validator has nothing to say',
  (type, valid) => {
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(changes, (changed) => {
        const body = { ...valid, ...Object.fromEntries(changed) };
        const instance = plainToInstance<object, unknown>(type, body);
        // What is named like a method of every object is refused before.
        if (!Object.hasOwn(body, 'toString')) expect(instanceOf<object>(type, body)).toStrictEqual(instance);
        const options = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };
        const isValid = validateSync(instance, options).length === 0;
        expect(keepsRules(instance)).toBe(isValid);
        outcomes.add(isValid);
      }),
      { numRuns: 2_000 },
    );
    expect(outcomes).toEqual(new Set([true, false]));
  },
);
