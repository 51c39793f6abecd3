import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles } from '../../src/load/index.ts';
import type { StepType } from '../../src/ports/step.ts';
import exec from '../../src/steps/exec.ts';
import script from '../../src/steps/script.ts';
import { makePlace, type Place } from '../load/place.ts';
import { shelf } from '../load/shelf.ts';

let place: Place | null = null;
afterEach(() => place?.remove());

/** Problems of a runbook with one step, checked with the real types of step. */
async function problemsOf(step: string) {
  place = await makePlace({ 'runbooks/a.yaml': `title: A\nrisk: low\nsteps:\n  - id: a\n    ${step}\n` });
  const steps = new Map([...shelf, ['exec', exec as unknown as StepType], ['script', script as unknown as StepType]]);
  return await checkFiles({ ...place.parts, steps });
}

describe('stopSignal', () => {
  it.each(['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'SIGINT'])('%s is one', async name => {
    for (const step of [`exec: { argv: [a], stopSignal: ${name} }`, `script: { run: a, stopSignal: ${name} }`])
      expect(await problemsOf(step)).toEqual([]);
    expect(exec.input.parse({ argv: ['a'], stopSignal: name })).toMatchObject({ stopSignal: name.replace('SIG', '') });
  });

  it.each([
    ['exec', 'exec: { argv: [a], stopSignal: INTT }', 36, 'INTT', 'INT'],
    ['exec', 'exec: { argv: [a], stopSignal: sigusr3 }', 36, 'sigusr3', 'SIGUSR1'],
    ['script', 'script: { run: a, stopSignal: TREM }', 35, 'TREM', 'TERM'],
    ['exec', 'exec: { argv: [a], stopSignal: KILL }', 36, 'KILL', null],
    ['exec', 'exec: { argv: [a], stopSignal: 2 }', 36, '2', null],
  ])('of %s that does not exist is an error with its place: %s', async (_type, step, column, given, nearest) => {
    const problems = await problemsOf(step);
    expect(problems).toEqual([
      expect.objectContaining({ line: 5, column, given, allowed: expect.stringMatching(/^TERM, INT, HUP, /) }),
    ]);
    expect(problems[0]?.nearest ?? null).toBe(nearest);
    expect(problems[0]?.file).toMatch(/runbooks\/a\.yaml$/);
  });

  it('is shown on the card when it is another than TERM', () => {
    const show = (stopSignal: string) => exec.show(exec.input.parse({ argv: ['psql'], stopSignal }));
    expect([show('TERM'), show('INT')]).toEqual(['psql', 'psql  stopped by INT']);
    expect(script.show(script.input.parse({ run: 'psql', stopSignal: 'INT' }))).toBe('bash  stopped by INT\n│ psql');
  });
});
