import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formsOf } from '../e2e/safe/page.ts';
import { readPage, root } from './pages.ts';

/** Every form of docs/safe-forms.md is run by a test of test/e2e/safe, and nothing is run that is not on the page. */
const folder = join(root, 'test/e2e/safe');
const page = readPage('docs/safe-forms.md');
const shown = formsOf(page).map(({ section, form }) => `${section}: ${form}`);
const tested = readdirSync(folder)
  .filter(name => name.endsWith('.test.ts'))
  .flatMap(name => [...readFileSync(join(folder, name), 'utf8').matchAll(/^form\(\s*'([^']+)',\s*'([^']+)',/gm)])
  .map(([, section, form]) => `${section}: ${form}`);

test('every form has its test, and every test its form', () => {
  expect(tested.toSorted()).toEqual(shown.toSorted());
  expect(shown.length).toBeGreaterThan(35);
});

test('every row of a table is a form', () => {
  const rows = page.text.split('\n').filter(line => line.startsWith('|') && !/^\|[-|]+$/.test(line));
  const heads = rows.filter(line => /^\| (write|flag|exit code) \|/.test(line));
  expect(rows.length - heads.length).toBe(shown.length);
});

test('every step that is shown is run', () => {
  const code = readdirSync(folder)
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const ids = [...page.text.matchAll(/^ *- id: (\S+)$/gm)].map(match => match[1] ?? '');
  expect(ids.filter(id => !['shown', 'statement'].some(call => code.includes(`${call}('${id}'`)))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});
