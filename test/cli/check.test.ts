import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cli } from './terminal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-check-'));
  await cli(['init'], { cwd: folder });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const check = (...words: string[]) => cli(['check', ...words], { cwd: folder });
const put = (path: string, text: string) => writeFile(join(folder, path), text);

/** One mistake in each file, of which each could hide another one. */
async function breakEverything() {
  await put('tocsin.yaml', 'sources: { alertmanager: {} }\npeopel: {}\n');
  await put('policy.yaml', 'rules:\n  - { name: x, when: runbok.risk == "none", decide: auto }\n');
  const steps = 'steps: [{ id: one, exec: [true] }]\n';
  await put('runbooks/hello.yaml', `titel: Hello\nrisk: none\non: [{ source: alertmanger }]\n${steps}`);
  await put('runbooks/hello.test.yaml', 'cases:\n  - { name: one, expct: {} }\n');
  await put('runbooks/other.yaml', `title: Other\nrisk: none\non: [{ source: grafanaa }]\n${steps}`);
}

it('tells every mistake of every file at once, an unknown source of a trigger and those of tests too', async () => {
  await breakEverything();
  const { code, out } = await check();
  expect(code).toBe(1);
  const places = [
    /tocsin\.yaml:2:1: error: there is no "peopel" here/,
    /policy\.yaml:2:\d+: error: .*runbok/,
    /hello\.yaml:1:1: error: there is no "titel" here/,
    /hello\.yaml:3:\d+: warning: there is no source "alertmanger"/,
    /other\.yaml:3:\d+: warning: there is no source "grafanaa"/,
    /hello\.test\.yaml:2:\d+: error: there is no "expct"/,
  ];
  for (const place of places) expect(out).toMatch(place);
});

it('an unknown source is told once where nothing else is wrong', async () => {
  const steps = 'steps: [{ id: one, exec: [true] }]\n';
  await put('runbooks/other.yaml', `title: Other\nrisk: none\non: [{ source: alertmanger }]\n${steps}`);
  const { code, out } = await check();
  expect([code, out.match(/there is no source/g)?.length]).toEqual([0, 1]);
  expect((await check('--strict')).code).toBe(1);
});

it('a test without its runbook is a warning with the nearest name', async () => {
  await put('runbooks/helo.test.yaml', 'cases:\n  - { name: one, params: {}, expect: {} }\n');
  const { code, out } = await check();
  expect([code, out]).toEqual([0, expect.stringContaining('helo.test.yaml:1:1: warning: there is no runbook "helo"')]);
  expect(out).toContain('did you mean "hello"?');
});

it('prints JSON, also where nothing is wrong, and annotations of GitHub', async () => {
  expect(JSON.parse((await check('--format', 'json')).out)).toEqual([]);
  expect((await check('--format', 'github')).out).toBe('');
  await breakEverything();
  const problems: { file: string; line: number; level: string }[] = JSON.parse((await check('--format', 'json')).out);
  expect(problems).toContainEqual(
    expect.objectContaining({ line: 2, level: 'error', given: 'peopel', nearest: 'people' }),
  );
  const lines = (await check('--format', 'github')).out.split('\n');
  expect(lines).toHaveLength(problems.length);
  expect(lines.every(line => /^::(error|warning) file=[^,:]+,line=\d+,col=\d+,title=[a-z-]+::/.test(line))).toBe(true);
  expect(lines.find(line => line.includes('peopel'))).toMatch(
    /^::error file=tocsin\.yaml,line=2,col=1,title=file-invalid::there is no "peopel" here%0Aallowed: .*%0Agiven: peopel%0Adid you mean "people"\?$/,
  );
  const wrong = await check('--format', 'xml');
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('none of text, json, github')]);
});
