import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { hasMembers, loadShelf } from '../../src/kernel/shelf.ts';
import { runRunbookTests } from '../../src/load/index.ts';
import type { ChatPlatform } from '../../src/ports/chat.ts';
import type { Source } from '../../src/ports/source.ts';
import type { StepType } from '../../src/ports/step.ts';

const root = resolve(import.meta.dirname, '../..');
const [sources, steps, platforms] = await Promise.all([
  loadShelf<Source>(join(root, 'src/sources'), hasMembers('about', 'options', 'normalise')),
  loadShelf<StepType>(join(root, 'src/steps'), hasMembers('about', 'input', 'run')),
  loadShelf<ChatPlatform>(join(root, 'src/chat'), hasMembers('about', 'options', 'open')),
]);
const report = await runRunbookTests({
  configPath: join(root, 'tocsin.yaml'),
  explicit: true,
  env: {},
  sources,
  steps,
  platforms,
  clock: systemClock,
  log: silentLog,
});
const runbooks = readdirSync(join(root, 'runbooks'))
  .filter(name => /\.(yaml|ts)$/.test(name) && !name.endsWith('.test.yaml'))
  .map(name => name.replace(/\.\w+$/, ''));

it('the sample files have neither errors nor warnings, without anything in the environment', () => {
  expect(report.problems).toEqual([]);
});

it('there are five runbooks or more, one of them in TypeScript, and each has its tests', () => {
  expect(runbooks.length).toBeGreaterThanOrEqual(5);
  expect(report.untested).toEqual([]);
  expect([...new Set(report.results.map(result => result.runbook))].sort()).toEqual(runbooks.sort());
});

it.each(report.results.map(result => [`${result.runbook}: ${result.name}`, result] as const))('%s', (_name, result) => {
  expect(result.differences).toEqual([]);
  expect(result.ok).toBe(true);
});
