import { defineConfig } from 'vitest/config';

// Unit and property tests: no network but loopback sockets they make, no VM. The lab suites have configs of their own.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/lab/**', 'test/vscode/**', 'node_modules/**'],
    testTimeout: 20_000,
    pool: 'threads',
    maxWorkers: 2,
  },
});
