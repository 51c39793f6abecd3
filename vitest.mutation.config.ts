import base from './vitest.config.ts';

// Which tests are tried against the mutants of a file is said by test/mutation/files.ts; scripts/mutation.ts hands them on.
export default {
  ...base,
  test: { ...base.test, include: (process.env['TOCSIN_MUTATION_TESTS'] ?? '').split(',').filter(name => name !== '') },
};
