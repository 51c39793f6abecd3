import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { largestFile, loadYaml } from '../../src/load/yaml.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function problemsOf(text: string | Uint8Array): string[] {
  const loaded = loadYaml('a.yaml', typeof text === 'string' ? bytes(text) : text);
  return loaded.ok ? [] : loaded.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('hostile YAML', () => {
  it('refuses a bomb of aliases', async () => {
    const bomb = await readFile(new URL('../fixtures/payloads/hostile/yaml-bomb.yaml', import.meta.url));
    expect(problemsOf(bomb)).toEqual([expect.stringMatching(/alias/)]);
  });

  it.each([
    ['a: !!js/function "x"', /tag/],
    ['a: !custom {}', /tag/],
    ['a: !!binary aGVsbG8=', /tag/],
    ['a: !!set {x}', /tag/],
    ['a: 1\na: 2', /^2:1 this key is there twice/],
    ['a: {b: 1, b: 2}', /^1:11 this key is there twice/],
    ['a: 1\n---\nb: 2', /one document/],
    ['__proto__: {isAdmin: true}', /"__proto__" is not allowed/],
    ['a: [{b: {constructor: 1}}]', /^1:10 the key "constructor"/],
    ['? [a, b]\n: 1', /key/i],
    ['a:\n\tb: 1', /^2:1/],
    ['a: "unclosed', /^1:/],
    ['a: &x 1\nb: *y', /^2:4 there is no anchor/],
    ['%YAML 1.1\n---\na: yes', /1\.2|version|directive/i],
  ])('%j', (text, message) => {
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(message);
  });

  it('refuses what is larger than 256 KiB before it reads it', () => {
    expect(problemsOf(`a: ${'x'.repeat(300 * 1024)}`)).toEqual(['1:1 the file is too large']);
    expect(problemsOf(`a: ${'x'.repeat(largestFile - 3)}`)).toEqual([]);
  });

  it('refuses what is nested without end, and what is not text', () => {
    expect(problemsOf('['.repeat(100_000)).length).toBeGreaterThan(0);
    expect(problemsOf(`${'[1,'.repeat(20_000)}1${']'.repeat(20_000)}`).length).toBeGreaterThan(0);
    expect(problemsOf(`${'a: {'.repeat(20_000)}`).length).toBeGreaterThan(0);
    expect(problemsOf(new Uint8Array([0xff, 0xfe, 0x61]))).toEqual(['1:1 the file is not UTF-8 text']);
  });

  it('tells all faults of the syntax, not only the first', () => {
    expect(problemsOf('a: 1\na: 2\nb: 1\nb: 2')).toHaveLength(2);
  });

  it('reads yes, no, octal and dates as the texts and numbers of the core schema', () => {
    const loaded = loadYaml('a.yaml', bytes('on: [yes, no, 0o17, 2026-01-01, 1_000, ~, TRUE]'));
    expect(loaded.ok && loaded.yaml.data).toEqual({ on: ['yes', 'no', 15, '2026-01-01', '1_000', null, true] });
  });
});

describe('positions', () => {
  const text = [
    'a:',
    '  b: [1, two]',
    '  c: >-',
    '    first',
    '    second $here',
    '  d: "quoted words"',
    '  e: |',
    '    one',
    '      two',
  ].join('\n');
  const loaded = loadYaml('a.yaml', bytes(text));
  if (!loaded.ok) throw new Error('the sample does not load');
  const { yaml } = loaded;

  it.each([
    [['a', 'b', 1], undefined, '2:10'],
    [['a', 'b', 9], undefined, '2:6'],
    [['a', 'd'], undefined, '6:6'],
    [['a', 'd'], 7, '6:14'],
    [['a', 'e'], 6, '9:7'],
    [['nowhere', 'deep'], undefined, '1:1'],
  ])('%j + %s is %s', (path, offset, expected) => {
    const { line, column } = yaml.locate(path, offset);
    expect(`${line}:${column}`).toBe(expected);
  });

  it('finds keys', () => {
    expect(yaml.locateKey(['a', 'd'])).toEqual({ line: 6, column: 3 });
  });
});
