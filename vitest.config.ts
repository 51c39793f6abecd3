import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { tocsin: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    // `npm run test:slow` runs what takes minutes; see CONTRIBUTING.md.
    include: process.env['TOCSIN_SLOW'] === undefined ? ['test/**/*.test.ts'] : ['test/**/*.slow.ts'],
    // For a machine that does other things too: nothing hangs because of it, and no test measures time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
