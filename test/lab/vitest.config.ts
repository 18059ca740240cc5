import { defineConfig } from 'vitest/config';

// Real hosts and guests: one suite at a time, for the guests' emulated processors are the two cores of the machine.
export default defineConfig({
  test: {
    include: ['test/lab/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
