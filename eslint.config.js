import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/*
 * Layout: first what one folder may import and call, then the rules of style and size.
 *
 * ESLint does not merge the options of one rule when two blocks match the same file: the last block wins.
 * So each zone builds its full list from the pieces below.
 */

const ONE_PLACE =
  'Dialling, binding and resolving go through the policy: src/sockets/{connect/dial,listen/stream-server,connect/resolve}.ts.';

// For each module, both spellings: with `node:` and without.
const bothSpellings = (name, rest) => [
  { name: `node:${name}`, ...rest },
  { name, ...rest },
];
const typesOnly = (name) => bothSpellings(name, { allowTypeImports: true, message: ONE_PLACE });

// An allow-list, so that neither a default nor a namespace import brings the whole module in.
const NET_QUESTIONS = bothSpellings('net', {
  allowImportNames: ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'],
  allowTypeImports: true,
  message: `${ONE_PLACE} Elsewhere: named imports of isIP, isIPv4, isIPv6, BlockList, SocketAddress, or types.`,
});
const HTTP_SERVER_SIDE = bothSpellings('http', {
  allowImportNames: [
    'createServer',
    'METHODS',
    'STATUS_CODES',
    'Server',
    'IncomingMessage',
    'ServerResponse',
  ],
  allowTypeImports: true,
  message: ONE_PLACE,
});

const DIALS_BY_OTHER_MEANS = ['https', 'inspector'].flatMap(typesOnly);
const NO_PROCESS_MODULE = bothSpellings('process', {
  message: 'Use the global process; the environment is read in src/modules/config.',
});

const NO_ENVIRONMENT = [
  { object: 'process', property: 'env', message: 'The environment is read once, in src/modules/config.' },
];
const NO_BACK_DOOR = [
  { object: 'process', property: 'getBuiltinModule', message: ONE_PLACE },
  { object: 'process', property: 'binding', message: ONE_PLACE },
];

const NO_DYNAMIC_NETWORK = {
  selector: 'ImportExpression[source.value=/^(node:)?(net|tls|dns|dgram|http|https|http2)(\\u002f|$)/]',
  message: ONE_PLACE,
};
const NO_WEBSOCKET_CLIENT = { selector: "NewExpression[callee.name='WebSocket']", message: ONE_PLACE };

const ENGINE_STANDS_ALONE = {
  group: ['@nestjs/*', 'fastify', '@fastify/*', 'express', 'pino', 'pino-*', 'nestjs-*', 'ws'],
  message: 'The engine, and the answers beside it, know no framework, no HTTP and no logger.',
};

/** The rules about imports and calls for one zone of src. */
function zone({ may = [], patterns = [], environment = false }) {
  const closed = {
    net: NET_QUESTIONS,
    tls: typesOnly('tls'),
    http2: typesOnly('http2'),
    dgram: typesOnly('dgram'),
    dns: [...typesOnly('dns'), ...typesOnly('dns/promises')],
    http: HTTP_SERVER_SIDE,
  };
  const paths = Object.entries(closed)
    .filter(([name]) => !may.includes(name))
    .flatMap(([, entries]) => entries);
  return {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { paths: [...paths, ...DIALS_BY_OTHER_MEANS, ...NO_PROCESS_MODULE], patterns },
    ],
    'no-restricted-properties': ['error', ...NO_BACK_DOOR, ...(environment ? [] : NO_ENVIRONMENT)],
    'no-restricted-syntax': ['error', NO_DYNAMIC_NETWORK, NO_WEBSOCKET_CLIENT],
    'no-restricted-globals': [
      'error',
      ...['fetch', 'EventSource'].map((name) => ({ name, message: ONE_PLACE })),
    ],
  };
}

export default defineConfig(
  { ignores: ['**/dist/', '.bench/', 'coverage/', 'data/', 'openapi/', 'node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      // NUL and its neighbours are ordinary values to a program that moves bytes.
      'no-control-regex': 'off',
      'object-shorthand': 'error',
      'prefer-template': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],

      // What crosses the wire is described by a class and made as a plain literal.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // The decorators of a field are about its declared type.
      '@typescript-eslint/no-inferrable-types': ['error', { ignoreProperties: true }],

      // A Nest module is a class with a decorator and no members.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // It asks for the `!` that no-non-null-assertion forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Both ways of writing these are clear; the choice is the author's.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
      // An async method may await nothing: it keeps a contract, and a throw in it becomes a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },

  { files: ['src/**/*.ts'], rules: zone({}) },
  {
    files: ['src/**/*.ts', 'clients/**/*.ts', 'examples/**/*.ts'],
    rules: {
      complexity: ['error', { max: 15, variant: 'modified' }],
      'max-depth': ['error', 4],
      'max-lines': ['error', { max: 320 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['src/modules/config/**/*.ts'], rules: zone({ environment: true }) },
  { files: ['src/{sockets,network}/**/*.ts'], rules: zone({ patterns: [ENGINE_STANDS_ALONE] }) },
  {
    files: [
      'src/sockets/connect/dial.ts',
      'src/sockets/listen/stream-server.ts',
      'src/sockets/stream/kernel-handle.ts',
    ],
    rules: zone({ may: ['net'], patterns: [ENGINE_STANDS_ALONE] }),
  },
  // TLS goes over connections there are: these two dial nothing and listen nowhere.
  {
    files: ['src/sockets/tls/tls-context.ts', 'src/sockets/tls/tls-handshake.ts'],
    rules: zone({ may: ['tls'], patterns: [ENGINE_STANDS_ALONE] }),
  },
  // HTTP/2 over a connection there is.
  {
    files: ['src/network/dns/https.ts'],
    rules: zone({ may: ['http2'], patterns: [ENGINE_STANDS_ALONE] }),
  },
  {
    files: ['src/sockets/connect/resolve.ts'],
    rules: zone({ may: ['dns'], patterns: [ENGINE_STANDS_ALONE] }),
  },
  // It asks the service beside it, on loopback, and nothing else.
  { files: ['src/healthcheck.ts'], rules: { 'no-restricted-globals': 'off' } },
  // The programs: they speak to the person who started them.
  { files: ['src/main.ts', 'src/openapi.ts', 'examples/**/*.ts'], rules: { 'no-console': 'off' } },

  {
    // Peers and clients answer with parsed JSON, and a wrong guess about it fails the test by itself.
    // Writing `any` stays forbidden here too.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },

  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'Buffer',
          'URL',
          'setTimeout',
          'clearTimeout',
          'setImmediate',
          'performance',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs' } },
);
