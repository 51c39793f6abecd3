import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { catalogue } from '../../src/kernel/catalogue.ts';
import { cli } from '../cli/terminal.ts';
import { createSigstore } from '../doubles/sigstore/index.ts';
import { type Block, linksOf, type Page, readPage, readPages, root } from './pages.ts';
import { type Files, problemsIn, testsIn, wholeRunbook } from './world.ts';

const pages = readPages();
const blocks = pages.flatMap(page => page.blocks);
const at = ({ page, line }: Block) => `${page}:${line}`;
const labelled = (pattern: RegExp) => blocks.filter(block => pattern.test(block.label ?? ''));
const named = (list: readonly Block[]) => list.map(block => [`${at(block)} ${block.label}`, block] as const);

describe.each(pages.map(page => [page.path, page] as const))('%s', (_path, page) => {
  test('leads nowhere that is not there', () => {
    const broken = linksOf(page).filter(({ path, anchor }) => !leads(path, anchor));
    expect(broken.map(link => link.target)).toEqual([]);
  });

  test('says of every block of YAML and TypeScript what it is', () => {
    const unknown = page.blocks.filter(
      block => ['yaml', 'ts'].includes(block.language) && !known.test(block.label ?? ''),
    );
    expect(unknown.map(at)).toEqual([]);
  });
});

/** What a first-line comment may say; each kind is loaded by a test of this folder. */
const known =
  /^(runbooks\/[a-z0-9-]+(\.test)?\.(yaml|ts)|(policy|gates|known-bad|changes|tocsin)\.yaml|steps|rules|alertmanager\.yml|prometheus-rules\.yml|grafana-contact-point\.yml|compose\.yaml|sigma\/[a-z0-9-]+\.yml|(src\/(steps|sources|chat)|commands)\/[a-z0-9-]+\.ts)$/;

function leads(path: string, anchor: string | null): boolean {
  if (!existsSync(join(root, path))) return false;
  return anchor === null || (path.endsWith('.md') && readPage(path).anchors.has(anchor));
}

/** The runbooks of a page stand in one folder, so that they may call each other. */
function runbooksOf(page: Page): Files {
  const files: Record<string, string> = {};
  for (const { label, text } of page.blocks) {
    if (label === null || !label.startsWith('runbooks/')) continue;
    if (files[label] !== undefined) throw new Error(`${page.path} shows ${label} twice`);
    files[label] = text;
  }
  return files;
}

/** The Sigma rules of a page, for its tocsin.yaml. */
function sigmaOf(path: string): Files {
  const shown = readPage(path).blocks.filter(({ label }) => label?.startsWith('sigma/'));
  return Object.fromEntries(shown.map(({ label, text }) => [label ?? '', text]));
}

test.each(['CHANGELOG.md', ...pages.map(page => page.path)])('%s has nothing left of a merge', path => {
  expect(readPage(path).text).not.toMatch(/^(<{7}|>{7}) |^={7}$/m);
});

describe('what the pages show loads without an error or a warning', () => {
  const withRunbooks = pages.filter(page => Object.keys(runbooksOf(page)).length > 0);
  test.each(withRunbooks.map(page => [page.path, page] as const))('the runbooks of %s', async (_path, page) => {
    expect(await problemsIn(runbooksOf(page))).toBe('');
  });

  test.each(withRunbooks.map(page => [page.path, page] as const))(
    'the tests of runbooks in %s pass',
    async (_path, page) => {
      const { ok, text } = await testsIn(runbooksOf(page));
      expect(ok ? '' : text).toBe('');
    },
  );

  test.each(named(labelled(/^policy\.yaml$/)))('%s', async (_name, block) => {
    expect(await problemsIn({ 'policy.yaml': block.text })).toBe('');
  });

  test.each(named(labelled(/^changes\.yaml$/)))('%s', async (_name, block) => {
    expect(await problemsIn({ 'changes.yaml': block.text })).toBe('');
  });

  test.each(named(labelled(/^gates\.yaml$/)))('%s', async (_name, block) => {
    const trust = { 'trusted_root.json': createSigstore().trustedRoot() };
    expect(await problemsIn({ 'policy.yaml': gatesPolicy, 'gates.yaml': block.text, ...trust })).toBe('');
  });

  test.each(named(labelled(/^changes\.yaml$/)))('%s', async (_name, block) => {
    expect(await problemsIn({ 'changes.yaml': block.text })).toBe('');
  });

  test.each(named(labelled(/^known-bad\.yaml$/)))('%s', async (_name, block) => {
    expect(await problemsIn({ 'policy.yaml': gatesPolicy, 'known-bad.yaml': block.text })).toBe('');
  });

  test.each(named(labelled(/^rules$/)))('%s', async (_name, block) => {
    expect(await problemsIn({ 'policy.yaml': `rules:\n${block.text.replace(/^/gm, '  ')}` })).toBe('');
  });

  test.each(named(labelled(/^steps$/)))('%s', async (_name, block) => {
    expect(await problemsIn({ 'runbooks/from-the-page.yaml': wholeRunbook(block.text) })).toBe('');
  });

  test.each(named(labelled(/^tocsin\.yaml$/)))('%s', async (_name, block) => {
    const beside = { 'policy.yaml': 'rules: []\n', 'runbooks/README.md': '', ...sigmaOf(block.page) };
    expect(await problemsIn({ ...beside, 'tocsin.yaml': block.text })).toBe('');
  });

  test.each(named(labelled(/\.yml$|^compose\.yaml$/)))('%s', (_name, block) => {
    const documents = parseAllDocuments(block.text);
    expect(Array.isArray(documents) && documents.flatMap(({ errors }) => errors)).toEqual([]);
  });
});

const has = (program: string) =>
  (process.env['PATH'] ?? '').split(':').some(folder => existsSync(join(folder, program)));

describe('what the pages show of other programs is what those take', () => {
  const check = (program: string, words: readonly string[], block: Block) => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-docs-'));
    try {
      writeFileSync(join(folder, 'file.yml'), block.text);
      execFileSync(program, [...words, join(folder, 'file.yml')], { stdio: 'pipe' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  test.skipIf(!has('amtool')).each(named(labelled(/^alertmanager\.yml$/)))('%s', (_name, block) => {
    check('amtool', ['check-config'], block);
  });

  test.skipIf(!has('promtool')).each(named(labelled(/^prometheus-rules\.yml$/)))('%s', (_name, block) => {
    check('promtool', ['check', 'rules'], block);
  });
});

/** A policy that decides about every gate. */
const gatesPolicy = 'rules: [{ name: ask, decide: approve, by: sre }]\n';

/** Everything that is typed: blocks of shell, and code in the text. */
function typed(page: Page): string[] {
  const shell = page.blocks.filter(block => ['sh', 'console'].includes(block.language)).map(block => block.text);
  const inline = [...page.text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(match => match[1] ?? '');
  return [...shell.flatMap(text => text.split('\n')), ...inline];
}

describe('what the pages tell people to type exists', () => {
  const lines = pages.flatMap(page => typed(page).map(line => ({ page: page.path, line })));
  const helps = new Map<string, string>();
  beforeAll(async () => {
    const general = (await cli(['--help'])).out;
    const words = [...general.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(match => match[1] ?? '');
    for (const word of words) helps.set(word, (await cli(['help', word])).out);
  });

  test('commands of tocsin, and their options', () => {
    const missing = lines.flatMap(({ page, line }) =>
      [...line.matchAll(/(?:^|[\s/])tocsin(?:\.js)? ([a-z-]+)([^|;&#]*)/g)].flatMap(([, word = '', rest = '']) => {
        const help = helps.get(word);
        if (help === undefined) return word === 'help' ? [] : [`${page}: tocsin ${word}`];
        const options = [...rest.matchAll(/(?<=\s)--([a-z-]+)/g)].map(match => match[1] ?? '');
        return options
          .filter(option => !help.includes(`--${option}`))
          .map(option => `${page}: tocsin ${word} --${option}`);
      }),
    );
    expect(missing).toEqual([]);
    expect(helps.size).toBeGreaterThan(6);
  });

  test('scripts of npm', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const missing = lines.flatMap(({ page, line }) =>
      [...line.matchAll(/\bnpm (?:run ([a-z:]+)|(start|test))\b/g)]
        .map(match => match[1] ?? match[2] ?? '')
        .filter(name => !Object.hasOwn(scripts, name))
        .map(name => `${page}: npm run ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test('programs of npx are tocsin', () => {
    const others = lines.flatMap(({ page, line }) =>
      [...line.matchAll(/\bnpx (\S+)/g)]
        .map(match => match[1] ?? '')
        .filter(name => name !== 'tocsin')
        .map(name => `${page}: ${name}`),
    );
    expect(others).toEqual([]);
  });

  test('codes of errors', () => {
    const codes = Object.keys(catalogue);
    const missing = pages.flatMap(page =>
      [...page.text.matchAll(/code `([a-z-]+)`/g)]
        .map(match => match[1] ?? '')
        .filter(code => !codes.includes(code))
        .map(code => `${page.path}: ${code}`),
    );
    expect(missing).toEqual([]);
  });
});
