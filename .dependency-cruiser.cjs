/*
 * The picture of ARCHITECTURE.md as rules: an arrow is an import, and there is none upward.
 * Type imports count like any other.
 */
const SHARED = '(?:auth|config|problems|common|engine|idempotency|logging)';

const FRAMEWORKS = [
  '(^|/)node_modules/(@types/)?(@?nestjs|nestjs-[^/]+|@fastify|fastify|pino|pino-[^/]+|ws|express)(/|$)',
  '^(@nestjs/|nestjs-|@fastify/|fastify$|pino|ws$|express$)',
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or miss a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'engine-imports-only-itself',
      comment: 'src/sockets could be published by itself: nothing of the application comes in.',
      severity: 'error',
      from: { path: '^src/sockets/' },
      to: { path: '^src/', pathNot: '^src/sockets/' },
    },
    {
      name: 'engine-knows-no-framework',
      comment: 'No framework, no HTTP, no logger in the engine.',
      severity: 'error',
      from: { path: '^src/sockets/' },
      to: { path: FRAMEWORKS },
    },
    {
      name: 'engine-has-one-front-door',
      comment: 'Import src/sockets/index.ts; what it does not export is its own affair.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/sockets/' },
      to: { path: '^src/sockets/', pathNot: '^src/sockets/index\\.ts$' },
    },
    {
      name: 'network-imports-itself-and-the-engine',
      comment:
        "src/network answers questions without the application; errors and the resolver are the engine's.",
      severity: 'error',
      from: { path: '^src/network/' },
      to: { path: '^src/', pathNot: ['^src/network/', '^src/sockets/index\\.ts$'] },
    },
    {
      name: 'network-knows-no-framework',
      comment: 'No framework, no HTTP, no logger there either.',
      severity: 'error',
      from: { path: '^src/network/' },
      to: { path: FRAMEWORKS },
    },
    {
      name: 'network-has-one-front-door',
      comment: 'Import src/network/index.ts; what it does not export is its own affair.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/network/' },
      to: { path: '^src/network/', pathNot: '^src/network/index\\.ts$' },
    },
    {
      name: 'features-are-strangers',
      comment:
        'A feature imports itself, the shared modules and the engine. What two features need is shared.',
      severity: 'error',
      from: { path: `^src/modules/(?!${SHARED}/)([^/]+)/` },
      to: { path: '^src/modules/', pathNot: ['^src/modules/$1/', `^src/modules/${SHARED}/`] },
    },
    {
      name: 'shared-knows-no-feature',
      comment: 'A shared module serves every feature and knows none.',
      severity: 'error',
      from: { path: `^src/modules/${SHARED}/` },
      to: { path: '^src/modules/', pathNot: `^src/modules/${SHARED}/` },
    },
    {
      name: 'modules-do-not-look-up',
      comment: 'The application is put together from the modules, never the other way round.',
      severity: 'error',
      from: { path: '^src/modules/' },
      to: { path: '^src/[^/]+\\.ts$' },
    },
    {
      name: 'client-stands-alone',
      comment: 'The client library is a package of its own: no other folder, no dependency, nothing of Node.',
      severity: 'error',
      from: { path: '^clients/typescript/' },
      to: { pathNot: '^clients/typescript/' },
    },
    {
      name: 'programs-are-not-imported',
      comment: 'main.ts and openapi.ts run when they are loaded.',
      severity: 'error',
      from: {},
      to: { path: '^src/(main|openapi)\\.ts$' },
    },
    {
      name: 'not-to-dev-dep',
      comment:
        'What runs in production is in "dependencies". The types of a package may be a development dependency.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: '(^|/)node_modules/@types/',
      },
    },
    {
      name: 'only-declared-packages',
      comment: 'A package that is used is in package.json; one that came with another may leave with it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-to-test',
      comment: 'Tests, clients and examples know the source, which knows none of them.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|clients|examples)/' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere also escapes every rule above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
