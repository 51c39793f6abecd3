import { afterEach, describe, expect, test } from 'vitest';
import { createFigures } from '../../../src/flow/journal/figures.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { sampleRun } from '../../contracts/samples.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

const steps = `
  - { id: say, exec: [echo, hi] }
  - { id: gone, verify: { resolved: true, within: 10m } }
`;
const onAlert = (name: string) =>
  `title: ${name}\nrisk: low\non: [{ source: alertmanager, match: { alertname: ${name} } }]\n`;
const files = {
  'policy.yaml': `rules:
  - { name: alone, when: 'runbook.id == "alone" || runbook.id in ["fails", "quick"]', decide: auto }
  - { name: ask, decide: approve, by: sre, expires: 30m }
`,
  'runbooks/alone.yaml': `${onAlert('Alone')}steps:${steps}`,
  'runbooks/asked.yaml': `${onAlert('Asked')}steps:${steps}`,
  'runbooks/quick.yaml': `${onAlert('Quick')}steps:\n  - { id: say, exec: [echo, hi] }\n`,
  'runbooks/fails.yaml': `${onAlert('Fails')}steps:\n  - { id: no, exec: ["false"] }\n`,
};

let app: TestApp;
afterEach(() => app?.stop());

async function figures(): Promise<Map<string, number>> {
  const text = await (await fetch(`${app.app.url}/metrics`)).text();
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

async function approve(runbook: string, vote = 'approve'): Promise<void> {
  const approval = await app.until(async () => {
    const { body } = await app.call('GET', '/api/v1/approvals?state=open');
    return body.find((one: { runbook: string }) => one.runbook === runbook);
  });
  await app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { body: { vote } });
}

/** Lets the alert fire, and go away once its run waits for that. */
async function remediate(name: string, fingerprint: string, asked: boolean): Promise<void> {
  const { alert } = await app.alert({ alertname: name }, { fingerprint });
  if (asked) await approve(name.toLowerCase());
  const run = await app.until(async () => {
    const [found] = await app.app.store.runs({ alert });
    return found?.steps.find(step => step.id === 'gone')?.state === 'waiting' ? found : null;
  });
  await app.alert({ alertname: name }, { fingerprint, status: 'resolved' });
  expect((await app.ended(run.id)).state).toBe('succeeded');
}

test('figures of gates tell how long people took, and are not those of runbooks', async () => {
  app = await startTestApp({
    'gates.yaml': 'gates: { deploy: { ask: [ci] } }',
    'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre, expires: 30m }]',
  });
  for (const [service, vote] of Object.entries({ one: 'approve', two: 'deny' })) {
    const body = { gate: 'deploy', subject: { service } };
    const { body: gate } = await app.call('POST', '/gates', { as: 'CI', body });
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote } });
  }
  const now = await figures();
  for (const state of ['approved', 'denied']) {
    expect(now.get(`tocsin_time_to_gate_decision_seconds_count{gate="deploy",state="${state}"}`)).toBe(1);
    expect(now.get(`tocsin_approvals_total{state="${state}"}`)).toBe(1);
  }
  expect(now.get('tocsin_time_to_approval_seconds_count{runbook="deploy"}')).toBeUndefined();
});

describe('figures by runbook', () => {
  test('tell how long decisions, approvals and remediations took, and whether people were needed', async () => {
    app = await startTestApp(files);
    const before = await figures();
    expect(before.get('tocsin_runbook_runs_total{runbook="fails",state="failed"}')).toBe(0);
    await remediate('Alone', 'f1', false);
    await remediate('Alone', 'f2', false);
    await remediate('Asked', 'f3', true);
    const { alert } = await app.alert({ alertname: 'Fails' }, { fingerprint: 'f4' });
    const failed = await app.until(async () => (await app.app.store.runs({ alert }))[0]);
    await app.ended(failed.id);
    // It ends well, and nobody looked whether the alert is gone.
    const { alert: quick } = await app.alert({ alertname: 'Quick' }, { fingerprint: 'f5' });
    await app.ended((await app.until(async () => (await app.app.store.runs({ alert: quick }))[0])).id);
    const now = await app.until(async () => {
      const found = await figures();
      return found.get('tocsin_remediations_total{runbook="asked",people="yes"}') === 1 ? found : null;
    });
    const get = (name: string) => now.get(name);
    expect(get('tocsin_remediations_total{runbook="alone",people="no"}')).toBe(2);
    expect(get('tocsin_remediations_total{runbook="alone",people="yes"}')).toBe(0);
    expect(get('tocsin_remediations_total{runbook="fails",people="no"}')).toBe(0);
    expect(get('tocsin_remediations_total{runbook="quick",people="no"}')).toBe(0);
    expect(get('tocsin_runbook_runs_total{runbook="alone",state="succeeded"}')).toBe(2);
    expect(get('tocsin_runbook_runs_total{runbook="fails",state="failed"}')).toBe(1);
    expect(get('tocsin_time_to_decision_seconds_count{runbook="alone"}')).toBe(2);
    expect(get('tocsin_time_to_approval_seconds_count{runbook="asked"}')).toBe(1);
    expect(get('tocsin_time_to_approval_seconds_count{runbook="alone"}')).toBeUndefined();
    expect(get('tocsin_time_to_remediation_seconds_count{runbook="alone"}')).toBe(2);
    expect(get('tocsin_time_to_remediation_seconds_count{runbook="fails"}')).toBeUndefined();
    expect(get('tocsin_events_accepted_total{source="alertmanager"}')).toBe(8);
    expect(get('tocsin_steps_total{type="exec",state="failed"}')).toBe(1);
    expect(get('tocsin_steps_total{type="verify",state="done"}')).toBe(3);
    expect(get('tocsin_decisions_total{verdict="auto"}')).toBe(4);
    // The same facts, as the journal has them.
    const kinds = (await app.journal()).map(entry => entry.fact.kind);
    const ended = kinds.filter(kind => kind === 'run.finished').length;
    const sum = [...now]
      .filter(([name]) => name.startsWith('tocsin_runbook_runs_total'))
      .reduce((all, [, n]) => all + n, 0);
    expect([sum, get('tocsin_runs_total{state="succeeded"}'), get('tocsin_runs_total{state="failed"}')]).toEqual([
      ended,
      4,
      1,
    ]);
  });

  test('count what ends without a worker too: denied, voided, and once however often it is pressed', async () => {
    app = await startTestApp(files);
    await app.alert({ alertname: 'Asked' });
    const { body } = await app.call('GET', '/api/v1/approvals?state=open').then(async first =>
      first.body.length > 0
        ? first
        : await app.until(async () => {
            const again = await app.call('GET', '/api/v1/approvals?state=open');
            return again.body.length > 0 ? again : null;
          }),
    );
    const path = `/api/v1/approvals/${body[0].id}/votes`;
    await Promise.all(['ALICE', 'BOB', 'ALICE'].map(as => app.call('POST', path, { as, body: { vote: 'deny' } })));
    await app.ended(body[0].run);
    const now = await figures();
    expect(now.get('tocsin_approvals_total{state="denied"}')).toBe(1);
    expect(now.get('tocsin_runbook_runs_total{runbook="asked",state="denied"}')).toBe(1);
    expect(now.get('tocsin_time_to_approval_seconds_count{runbook="asked"}')).toBeUndefined();
  });

  test('stay bounded whatever is edited: further runbooks share a label', async () => {
    const { metrics, registry } = createMetrics({ process: false });
    const store = { alert: async () => null, stream: async () => [], runs: async () => [] };
    const many = createFigures({ metrics, store, log: silentLog });
    many.expect(Array.from({ length: 3000 }, (_, n) => `runbook-${n}`));
    const doc = sampleRun({ runbook: 'runbook-2999', state: 'failed', startedAt: 1, finishedAt: 2 });
    const fact = { kind: 'run.finished', run: doc.id, state: 'failed', because: null } as const;
    const actor = { kind: 'system', id: 'test' } as const;
    many.count({ entries: [{ stream: `run/${doc.id}`, actor, at: 2, fact }], rows: [{ table: 'run', doc }] });
    const values = (await registry.getSingleMetric('tocsin_runbook_runs_total')?.get())?.values ?? [];
    expect(new Set(values.map(one => one.labels['runbook'])).size).toBe(1001);
    const others = values.filter(one => one.labels['runbook'] === '(others)' && one.labels['state'] === 'failed');
    expect(others.map(one => one.value)).toEqual([1]);
  });
});
