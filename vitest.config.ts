import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // For a test that hangs; how fast the machine is decides nothing.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    passWithNoTests: false,
    allowOnly: false,
  },
});
