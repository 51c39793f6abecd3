import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configFile } from '../../src/model/config.ts';
import { ruleFile } from '../../src/model/policy-file.ts';
import { stepKeys } from '../../src/model/runbook-file.ts';
import { readPage, root } from './pages.ts';

/** What a page says that it tells of, it tells of whole: a key, a step type or a source that is added is missed here. */
const ids = (folder: string) => readdirSync(join(root, folder)).map(name => name.replace(/\.ts$/, ''));
const missingIn = (path: string, names: readonly string[]) => {
  const { text } = readPage(path);
  return names.filter(name => !text.includes(`| \`${name}\``) && !text.includes(`[${name}](#`));
};

describe('nothing is left out', () => {
  test('every key of tocsin.yaml is in docs/configuration.md', () => {
    expect(missingIn('docs/configuration.md', Object.keys(configFile.shape))).toEqual([]);
  });

  test('every key of a rule is in docs/policy.md', () => {
    expect(missingIn('docs/policy.md', Object.keys(ruleFile.shape))).toEqual([]);
  });

  test('every key of a step, and every step type, is in docs/runbooks.md', () => {
    expect(missingIn('docs/runbooks.md', [...stepKeys, ...ids('src/steps'), 'parallel'])).toEqual([]);
  });

  test('every source has its part of docs/sources.md, or of the page that it names', () => {
    const { text } = readPage('docs/sources.md');
    const isTold = (id: string) => {
      const [, page = 'sources.md'] = new RegExp(`\\[${id}\\]\\(([a-z-]+\\.md)?#${id}\\)`).exec(text) ?? ['', ''];
      return page !== '' && readPage(`docs/${page}`).text.includes(`\n## ${id}\n`);
    };
    expect(ids('src/sources').filter(id => !isTold(id))).toEqual([]);
  });

  test('every variable of the environment that is read has its line in docs/configuration.md', () => {
    const read = [...sources('src').matchAll(/['.]((?:TOCSIN|SLACK|DISCORD|OTEL|DATABASE|REDIS)_[A-Z_]*[A-Z])\b/g)];
    // What a step's children carry is no setting.
    const names = new Set(read.map(match => match[1] ?? '').filter(name => name !== 'TOCSIN_STEP'));
    expect(names).toContain('TOCSIN_DATA');
    expect(names).toContain('DISCORD_TOKEN');
    const part = readPage('docs/configuration.md').text.split('\n## ')[1] ?? '';
    expect([...names].filter(name => !part.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('nothing is made up', () => {
  test('every metric of docs/operations.md is counted somewhere', () => {
    const code = sources('src').replace(/export type \w+Name =[^;]*;/g, '');
    const named = [...readPage('docs/operations.md').text.matchAll(/\btocsin_[a-z_]+/g)].map(match => match[0]);
    const made = (name: string) => new RegExp(`(count|observe|gauge)\\(\\s*'${name}'`).test(code);
    expect([...new Set(named)].filter(name => !made(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(8);
  });

  test('every test of docs/promises.md is there under its name', () => {
    const lines = readPage('docs/promises.md').text.split('\n');
    const cited = lines.flatMap(line => {
      const file = /\]\(\.\.\/(test\/[^)]+)\)/.exec(line)?.[1];
      const titles = [...line.matchAll(/"([^"]+)"/g)].map(match => match[1] ?? '');
      return file === undefined ? [] : titles.map(title => ({ file, title }));
    });
    const gone = cited.filter(({ file, title }) => !readFileSync(join(root, file), 'utf8').includes(title));
    expect(gone).toEqual([]);
    expect(cited.length).toBeGreaterThan(30);
  });
});

/** All code of a folder, in one text. */
function sources(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(join(root, folder, name), 'utf8'))
    .join('\n');
}
