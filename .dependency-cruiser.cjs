/*
 * The picture of ARCHITECTURE.md as rules: an arrow is an import, and there is none upward.
 * Type imports count like any other.
 */
const SHARED = '(?:auth|config|problems|common|engine|idempotency|logging)';

const FRAMEWORKS = [
  '(^|/)node_modules/(@types/)?(@?nestjs|nestjs-[^/]+|@fastify|fastify|pino|pino-[^/]+|ws|express)(/|$)',
  '^(@nestjs/|nestjs-|@fastify/|fastify$|pino|ws$|express$)',
];

/** A folder that could be published by itself: what it may import, and how it is imported. `but`: what comes in all the same. */
function standsAlone(name, folder, ...but) {
  const inside = `^src/${folder}/`;
  return [
    {
      name: `${name}-imports-only-itself`,
      comment: `src/${folder} could be published by itself: nothing of the application comes in.`,
      severity: 'error',
      from: { path: inside },
      to: { path: '^src/', pathNot: [inside, ...but] },
    },
    {
      name: `${name}-knows-no-framework`,
      comment: `No framework, no HTTP, no logger in src/${folder}.`,
      severity: 'error',
      from: { path: inside },
      to: { path: FRAMEWORKS },
    },
    {
      name: `${name}-has-one-front-door`,
      comment: `Import src/${folder}/index.ts; what it does not export is its own affair.`,
      severity: 'error',
      from: { path: '^src/', pathNot: inside },
      to: { path: inside, pathNot: `^src/${folder}/index\\.ts$` },
    },
  ];
}

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
    ...standsAlone('engine', 'sockets'),
    // Errors, the resolver and the ways to servers are the engine's.
    ...standsAlone('network', 'network', '^src/sockets/index\\.ts$'),
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
