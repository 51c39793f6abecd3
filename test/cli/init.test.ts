import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { commandFor, quoted, schemaFor } from '../../src/cli/init/place.ts';
import { root } from './process.ts';
import { cli } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-init-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What init printed as commands, without the last, which starts a process. */
function printed(err: string): string[] {
  const lines = [...err.matchAll(/^ {2}(.*?)(?: +# .*)?$/gm)].map(found => found[1] ?? '');
  expect(lines.at(-1)).toMatch(/ start$/);
  return lines.slice(0, -1);
}

test('prints commands that a shell carries out where the person stands', async () => {
  mkdirSync(folder, { recursive: true });
  const made = await cli(['init', 'my run’s books'], { cwd: folder, env: { PATH: process.env['PATH'] } });
  const script = printed(made.err);
  expect(script).toHaveLength(3);
  const { code, out } = await new Promise<{ code: unknown; out: string }>(done =>
    execFile('sh', ['-e', '-c', script.join('\n')], { cwd: folder }, (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, out: stdout + stderr }),
    ),
  );
  expect(code, out).toBe(0);
  expect(out).toContain('0 errors, 0 warnings.');
  expect(out).toContain('2 passed, 0 failed');
});

test('the first line of each file leads an editor to a schema that is there', async () => {
  mkdirSync(folder, { recursive: true });
  const { out } = await cli(['init', 'mine'], { cwd: folder });
  const titles = out.split('\n').map(path => {
    const file = join(folder, 'mine', path);
    const at = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    const schema = at.startsWith('file:') ? fileURLToPath(at) : resolve(dirname(file), at);
    return JSON.parse(readFileSync(schema, 'utf8')).title;
  });
  expect(titles).toEqual(['tocsin.yaml', 'Tocsin policy', 'Tocsin runbook', 'Tests of a Tocsin runbook']);
});

test('knows how it was installed: on the PATH, in a project, or only by its path', () => {
  const place = (path: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    return join(folder, path);
  };
  const installed = dirname(place('project/node_modules/tocsin/x'));
  mkdirSync(join(installed, 'bin'));
  mkdirSync(join(installed, 'docs/schemas'), { recursive: true });
  writeFileSync(join(installed, 'docs/schemas/policy.json'), '{}');
  const bin = join(installed, 'bin/tocsin.js');
  writeFileSync(bin, '');
  chmodSync(bin, 0o755);
  const inside = dirname(place('project/ops/runbooks/x'));
  const outside = dirname(place('elsewhere/x'));
  const links = dirname(place('links/x'));
  symlinkSync(bin, join(links, 'tocsin'));
  const word = (from: string, path = '') => commandFor(from, { root: installed, path });
  expect(word(inside)).toBe('npx tocsin');
  expect(word(outside)).toBe(bin);
  expect(word(outside, `/usr/bin:${links}`)).toBe('tocsin');
  // npx puts this in front while it runs, and the shell has it no more afterwards.
  expect(word(outside, dirname(place('project/node_modules/.bin/x')))).toBe(bin);
  // Another program of this name comes first there.
  const others = dirname(place('others/x'));
  writeFileSync(join(others, 'tocsin'), '');
  expect(word(outside, `${others}:${links}`)).toBe(bin);
  // npm looks into the nearest project only.
  writeFileSync(place('project/ops/package.json'), '{}');
  expect(word(inside)).toBe(bin);
  expect(schemaFor('policy.json', outside, { root: installed, path: '' })).toMatch(/^file:\/\/\//);
  expect(schemaFor('none.json', outside, { root: installed, path: '' })).toBe(null);
  const within = dirname(place('project/deep/x'));
  const relative = schemaFor('policy.json', within, { root: installed, path: '' }) ?? '';
  expect([relative, existsSync(join(within, relative))]).toEqual([
    '../node_modules/tocsin/docs/schemas/policy.json',
    true,
  ]);
});

test('a checkout is a project of its own, and a path with a blank is one word', () => {
  expect(commandFor(join(root, 'docs'), { root, path: '' })).toBe('npx tocsin');
  expect(quoted(`/a b/it's`)).toBe(`'/a b/it'\\''s'`);
  expect(quoted('/a/b-c')).toBe('/a/b-c');
});
