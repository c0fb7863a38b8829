/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // It needs a browser: npm run test:browser.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/browser/'],
  extensionsToTreatAsEsm: [],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Nest and a few others ship ES modules only; everything else runs as it is.
  transformIgnorePatterns: ['/node_modules/(?!(@nestjs|file-type|load-esm)/)'],
  transform: {
    '^.+\\.(t|j)s$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  // Most tests wait for sockets, not for a processor: two at a time take half as long. A process is made anew when it has
  // grown: what the modules of each file leave behind makes every collection slower, ten times by the end.
  maxWorkers: 2,
  workerIdleMemoryLimit: '384MB',
  coverageProvider: 'v8',
  testTimeout: 90_000,
};
