import { catalogue } from '../../src/kernel/catalogue.ts';

/** docs/errors.md from the catalogue of errors. */
export default function generateErrors(): Record<string, string> {
  const rows = Object.entries(catalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { status, message, remedy }]) => `| \`${code}\` | ${status} | ${message} | ${remedy} |`);
  const text = [
    '# Errors',
    '',
    'Every error that reaches people has a code that never changes its meaning. This page is generated from `src/kernel/catalogue.ts`. A browser is shown the error as a page; `/api`, `/events` and `/gates` always answer with JSON.',
    '',
    '| code | HTTP status | what happened | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  return { 'docs/errors.md': text };
}
