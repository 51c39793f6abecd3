import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { formsOf } from '../e2e/safe/page.ts';
import { readPage, readPages, root } from './pages.ts';

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

/** What a call must have, by its program, as the page says: words of its argv, or a key beside it. */
const needs: Record<string, (argv: readonly string[], step: object) => boolean> = {
  ssh: argv => argv.includes('BatchMode=yes') && argv.some(word => word.startsWith('ServerAliveInterval=')),
  psql: argv => argv.includes('ON_ERROR_STOP=1'),
  'redis-cli': argv => argv.includes('-e'),
  curl: argv => argv.includes('--fail-with-body') && argv.includes('--max-time'),
  'apt-get': argv =>
    argv.includes(argv.includes('update') ? 'APT::Update::Error-Mode=any' : 'Dpkg::Options::=--force-confold'),
  systemctl: (argv, step) => !argv.includes('is-active') || 'okExit' in step,
  pgrep: (_argv, step) => 'okExit' in step,
};

/** Every argv in a document, with what stands beside it. */
function calls(node: unknown): { argv: string[]; step: object }[] {
  if (Array.isArray(node)) return node.flatMap(calls);
  if (node === null || typeof node !== 'object') return [];
  const { exec, argv } = node as { exec?: unknown; argv?: unknown };
  const here = [exec, argv].filter(one => Array.isArray(one)).map(one => ({ argv: one.map(String), step: node }));
  return [...here, ...Object.values(node).flatMap(calls)];
}

describe('what we show ourselves is as safe as the page says', () => {
  const shownElsewhere = readPages()
    .flatMap(one => one.blocks)
    .filter(block => block.language === 'yaml')
    .map(block => [`${block.page}:${block.line}`, block.text] as const);
  const bundled = readdirSync(join(root, 'runbooks'))
    .filter(name => name.endsWith('.yaml'))
    .map(name => [`runbooks/${name}`, readFileSync(join(root, 'runbooks', name), 'utf8')] as const);
  const all = [...shownElsewhere, ...bundled].flatMap(([where, text]) =>
    parseAllDocuments(text)
      .flatMap(document => calls(document.toJS()))
      .map(call => ({ where, ...call })),
  );

  test('in the pages and in the bundled runbooks', () => {
    const bare = all.filter(({ argv, step }) => needs[argv[0] ?? '']?.(argv, step) === false);
    expect(bare.map(({ where, argv }) => `${where} ${argv.join(' ')}`)).toEqual([]);
    for (const program of Object.keys(needs)) expect(all.map(({ argv }) => argv[0])).toContain(program);
  });

  test('code of a script calls none of them in passing', () => {
    const scripts = bundled.flatMap(([where, text]) =>
      [...text.matchAll(/^ +(?:\w+=\$\()?(ssh|psql|mariadb|redis-cli|curl|apt-get|pgrep|journalctl)\b.*$/gm)].map(
        match => `${where} ${match[0]}`,
      ),
    );
    expect(scripts).toEqual([]);
  });
});
