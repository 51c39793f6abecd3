import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { tocsin: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    // `npm run test:slow` runs what takes minutes; see CONTRIBUTING.md.
    include: process.env['TOCSIN_SLOW'] === undefined ? ['test/**/*.test.ts'] : ['test/**/*.slow.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
