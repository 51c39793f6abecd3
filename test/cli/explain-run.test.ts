import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { cli } from './terminal.ts';

let test: TestApp;
afterEach(() => test.stop());

const runbook = `title: Restart a service
risk: medium
params: { service: { type: string, pattern: "[a-z]+" } }
target: params.service
steps: [{ id: restart, exec: [echo, "\${{ params.service }}"] }]
`;
const rules = (last: string) => `rules:
  - { name: alerts heal themselves, when: trigger == "event" && runbook.risk == "low", decide: auto }
  - { name: bob is trusted, when: 'runbook.risk == "medium" && actor.id == "bob"', decide: auto }
  - { name: of an alert, when: alert.state == "firing", decide: deny }
  - { name: last, ${last} }
  - { name: never reached, decide: deny }
`;

const explain = (...words: string[]) =>
  cli(['explain', ...words], { env: { TOCSIN_URL: test.app.url, TOCSIN_TOKEN: tokens['RITA'] ?? '' } });

const nowhere = { platform: 'console', channel: null, alert: null, run: null, gate: null };

async function inChat(line: string): Promise<string> {
  const rita = { kind: 'person', id: 'rita', via: 'console', account: null } as const;
  return JSON.stringify(await test.app.host.command(rita, line, nowhere));
}

async function started(as: keyof typeof tokens, more: object = {}): Promise<string> {
  const body = { runbook: 'restart', params: { service: 'api' }, reason: 'it hangs', ...more };
  const asked = await test.call('POST', '/api/v1/runs', { as, body });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  return asked.body.id;
}

it('a run that a person started is explained on the command line, by the API and in chat', async () => {
  test = await startTestApp({
    'runbooks/restart.yaml': runbook,
    'runbooks/other.yaml': runbook,
    'policy.yaml': rules('decide: approve, by: sre'),
  });
  const run = await started('ALICE');
  const { status, body } = await test.call('GET', `/api/v1/explain/${run}`, { as: 'RITA' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    event: null,
    alert: null,
    title: 'Restart a service',
    started: { run, by: 'alice', decided: { verdict: 'approve', rule: 'last' } },
    runbooks: [{ runbook: 'restart', holds: true, because: 'alice started it', decision: { verdict: 'approve' } }],
  });
  // Each rule with the part that is false: the first part holds for the second rule, and it is the second that does not.
  expect(
    body.runbooks[0].rules.map((rule: Record<string, unknown>) => [rule['name'], rule['result'], rule['because']]),
  ).toEqual([
    ['alerts heal themselves', 'does not hold', 'trigger == "event"'],
    ['bob is trusted', 'does not hold', 'actor.id == "bob"'],
    ['of an alert', 'does not hold', 'alert.state == "firing"'],
    ['last', 'holds', null],
    ['never reached', 'not reached', null],
  ]);

  const { code, out, err } = await explain(run);
  expect(code, err).toBe(0);
  expect(out).toContain(`Restart a service  (${run})`);
  expect(out).toContain('Started by alice; decided then: approve by "last"');
  expect(out).toContain('bob is trusted: runbook.risk == "medium" && actor.id == "bob" (actor.id == "bob")');
  expect(JSON.parse((await explain(run, '--json')).out)).toEqual(body);

  const said = await inChat(`explain ${run}`);
  expect(said).toContain('"ok":true');
  for (const text of ['alice', 'With the files as they are now:', 'does not hold: bob is trusted'])
    expect(said).toContain(text);
  expect(said).not.toContain('Nothing was decided when it came');
});

it('the requester is the actor, and what was decided then stays when the files changed', async () => {
  test = await startTestApp({ 'runbooks/restart.yaml': runbook, 'policy.yaml': rules('decide: approve, by: sre') });
  const run = await started('BOB');
  await test.ended(run);
  const ofBob = await test.call('GET', `/api/v1/explain/${run}`);
  expect(ofBob.body.started).toMatchObject({ by: 'bob', decided: { verdict: 'auto', rule: 'bob is trusted' } });
  expect(ofBob.body.runbooks[0].decision).toMatchObject({ verdict: 'auto', rule: 'bob is trusted' });

  await writeFile(join(test.folder, 'policy.yaml'), 'rules: [{ name: nobody, decide: deny }]\n');
  const now = await test.until(async () => {
    const { body } = await test.call('GET', `/api/v1/explain/${run}`);
    return body.runbooks[0].decision.rule === 'nobody' && body;
  });
  expect(now.started.decided).toMatchObject({ verdict: 'auto', rule: 'bob is trusted' });
  expect(now.runbooks[0].decision.verdict).toBe('deny');

  await rm(join(test.folder, 'runbooks/restart.yaml'));
  const gone = await test.until(async () => {
    const { body } = await test.call('GET', `/api/v1/explain/${run}`);
    return body.runbooks[0].decision === null && body;
  });
  expect(gone.runbooks).toEqual([
    { runbook: 'restart', holds: false, because: 'it is not loaded any more', decision: null, rules: [] },
  ]);
});

it('a run that a person started about an alert is explained as their request, not as the event of the alert', async () => {
  test = await startTestApp({
    'runbooks/restart.yaml': runbook,
    'policy.yaml': 'rules: [{ name: of an alert, when: alert.state == "firing", decide: auto }]\n',
  });
  const { alert } = await test.alert({ alertname: 'Other' });
  const run = await started('CI', { alert });
  const { body } = await test.call('GET', `/api/v1/explain/${run}`);
  expect(body).toMatchObject({
    event: null,
    alert,
    started: { by: 'service ci' },
    runbooks: [{ runbook: 'restart', decision: { verdict: 'auto', rule: 'of an alert' } }],
  });
  expect(await inChat(`explain ${run}`)).toContain('service ci');
});

it('a run that was called by one that a person started is explained by that one', async () => {
  test = await startTestApp({
    'runbooks/restart.yaml': runbook,
    'runbooks/all.yaml':
      'title: All of them\nrisk: medium\nsteps: [{ id: one, runbook: { name: restart, params: { service: api } } }]\n',
    'policy.yaml': 'rules: [{ name: go, decide: auto }]\n',
  });
  const run = await started('ALICE', { runbook: 'all', params: {} });
  expect((await test.ended(run)).state).toBe('succeeded');
  const child = (await test.runs()).find(one => one.parent?.run === run);
  const { body } = await test.call('GET', `/api/v1/explain/${child?.id}`);
  expect(body.started).toMatchObject({ run, by: 'alice' });
});
