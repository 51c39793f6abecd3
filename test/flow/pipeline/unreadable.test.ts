import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { helloRunbook } from '../files.ts';

let test: TestApp;
afterEach(() => test.stop());

const policy = `rules:
  - name: few replicas
    when: int(labels.replicas) <= 3
    decide: auto
  - name: the rest
    decide: auto
`;

it('starts nothing by itself where a rule reads a label that is missing as a number, and says so', async () => {
  test = await startTestApp({ 'policy.yaml': policy, 'runbooks/hello.yaml': helloRunbook() });
  const readable = await test.alert({ alertname: 'Hello', host: 'web-1', replicas: '2' }, { fingerprint: 'with' });
  const started = await test.until(async () => (await test.runs()).find(run => run.alert === readable.alert) ?? null);
  expect(started.decision).toMatchObject({ verdict: 'auto', rule: 'few replicas' });
  const { alert } = await test.alert({ alertname: 'Hello', host: 'web-2' }, { fingerprint: 'without' });
  const asked = await test.until(async () => (await test.runs()).find(run => run.alert === alert) ?? null);
  expect(asked.decision.verdict).toBe('approve');
  expect(asked.decision.because).toContain('rule "few replicas" could not be evaluated');
  expect(asked.decision.because).toContain('"" is not a whole number');
  expect(asked.steps.every(step => step.attempts === 0)).toBe(true);
  const { body } = await test.call('GET', `/api/v1/explain/${alert}`);
  const [rule] = body.runbooks[0].rules;
  expect(rule).toMatchObject({ name: 'few replicas', result: 'failed' });
  expect(rule.because).toContain('"" is not a whole number');
});

it('does not take the failure of a condition of a trigger for a match, and explain says why', async () => {
  const runbook = helloRunbook().replace('match: { alertname: Hello }', 'where: int(labels.replicas) <= 3');
  test = await startTestApp({ 'policy.yaml': policy, 'runbooks/hello.yaml': runbook });
  const { alert } = await test.alert({ alertname: 'Hello', host: 'web-2' });
  const why = await test.until(async () => {
    const { body } = await test.call('GET', `/api/v1/explain/${alert}`);
    return body.runbooks?.[0] ?? null;
  });
  expect(why).toMatchObject({ holds: false });
  expect(why.because).toMatch(/where failed: .*"" is not a whole number/);
  expect(await test.runs()).toEqual([]);
});
