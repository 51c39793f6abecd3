import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { check, type Remains } from './check.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-soak-check-'));
mkdirSync(join(folder, 'tmp'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const step = (id: string, state = 'done') => ({ id, state });
const good: Remains = {
  accepted: new Map([
    ['a', { kind: 'Once', lasts: true }],
    ['b', { kind: 'Quick', lasts: false }],
  ]),
  alerts: [
    { id: 'alt_a', fingerprint: 'a' },
    { id: 'alt_b', fingerprint: 'b' },
  ],
  runs: [{ id: 'run_a', runbook: 'once', state: 'succeeded', alert: 'alt_a', steps: [step('first'), step('second')] }],
  lines: ['first run_a', 'second run_a'],
  folder,
  before: { descriptors: 30, memory: 150 },
  after: { descriptors: 60, memory: 160 },
};
const [run] = good.runs;
if (run === undefined) throw new Error('no run');

describe('the checks of a soak', () => {
  it('find nothing where all is well', () => expect(check(good)).toEqual([]));

  it.each<[string, Partial<Remains>, string]>([
    ['an alert that got lost', { alerts: good.alerts.slice(1) }, 'the alert a is there 0 times'],
    ['an alert that lasts and has no run', { runs: [] }, 'a (Once) has 0 runs'],
    ['two runs of one alert', { runs: [run, { ...run, id: 'run_c', steps: [] }] }, 'a (Once) has 2 runs'],
    ['a run of the wrong runbook', { runs: [{ ...run, runbook: 'quick' }] }, 'a (Once) has 1 runs: quick'],
    ['an effect that came twice', { lines: [...good.lines, 'first run_a'] }, 'first run_a: 2 times'],
    ['a step that is done without its effect', { lines: ['first run_a'] }, '"second" is done without its effect'],
    ['a run that was denied and acted', { runs: [{ ...run, state: 'denied' }] }, 'run_a was denied and had an effect'],
    ['a run that goes on', { runs: [{ ...run, state: 'running' }] }, 'run_a is still running'],
    ['descriptors', { after: { descriptors: 500, memory: 160 } }, '500 descriptors are open'],
    ['memory', { after: { descriptors: 30, memory: 900 } }, '900 MB are in use'],
  ])('find %s', (_what, change, fault) => {
    expect(check({ ...good, ...change })).toContainEqual(expect.stringContaining(fault));
  });

  it('find temporary files', () => {
    writeFileSync(join(folder, 'tmp', 'tocsin-input-x'), '');
    expect(check(good)).toEqual(['a temporary file was left: tocsin-input-x']);
  });
});
