import { afterEach, expect, it } from 'vitest';
import type { Log } from '../../../src/kernel/log.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto, typescriptRunbook } from '../files.ts';

let test: TestApp;
afterEach(() => test.stop());

/** Keeps every line, with the texts of errors, which are no members of theirs. */
function logTo(lines: unknown[]): Log {
  const write = (facts: object, message?: string) => {
    const errors = Object.values(facts).filter(value => value instanceof Error);
    lines.push(facts, message, ...errors.map(error => error.stack));
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}

it('shows no secret in what a step came to, in what it posts, and in what a runbook throws', async () => {
  const config = `${basicConfig}secrets: { deploy: deploy-secret-value }\n`;
  const told = typescriptRunbook(`
    await step.exec('prints', ['echo', 'token-of-alice']);
    await step.notify('posts', 'the door takes alert-secret');
    await step.exec('names', ['no-deploy-secret-value-here']).catch(() => null);
    void step.approve('asks', { ask: 'Show deploy-secret-value?', by: 'sre' });
    throw new Error('it was token-of-bob');`);
  const lines: unknown[] = [];
  const files = { 'tocsin.yaml': config, 'policy.yaml': auto, 'runbooks/tell.ts': told };
  test = await startTestApp(files, { log: logTo(lines) });
  const begun = await test.call('POST', '/api/v1/runs', { body: { runbook: 'tell', params: {}, reason: null } });
  const run = await test.ended(begun.body.id);
  expect(run.because).toBe('it was [redacted]');
  expect(run.steps).toMatchObject([
    { id: 'prints', output: { stdout: '[redacted]\n' } },
    { id: 'posts', state: 'done' },
    { id: 'names', state: 'failed', because: expect.stringContaining('no-[redacted]-here') },
    { id: 'asks', state: 'failed' },
  ]);
  expect(await test.app.store.approvals({ run: run.id })).toMatchObject([{ question: 'Show [redacted]?' }]);
  const posts = await test.app.store.posts({ platform: 'console' });
  const shown = JSON.stringify([await test.journal(), posts, lines]);
  expect(shown).toContain('a runbook threw');
  expect(shown).toContain('the door takes [redacted]');
  for (const secret of ['token-of-alice', 'token-of-bob', 'alert-secret', 'deploy-secret-value'])
    expect(shown).not.toContain(secret);
});
