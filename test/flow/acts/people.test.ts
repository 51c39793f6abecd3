import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp, type tokens } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';

const hello = `
title: Say hello
risk: low
on:
  - source: alertmanager
    match: { alertname: Hello }
steps:
  - id: hello
    exec: [echo, hello]
`;
const sleeper = `
title: Sleep
risk: low
steps:
  - id: nap
    exec: [sleep, "300"]
`;
const rules = (text: string) => `rules:\n${text}`;
const askTwo = rules('  - name: ask\n    decide: approve\n    by: sre\n    quorum: 2\n    expires: 30m\n');
const askOne = rules('  - name: ask\n    decide: approve\n    by: sre\n    expires: 30m\n');
const auto = rules('  - name: all\n    decide: auto\n');

let test: TestApp;
afterEach(() => test.stop());

const openApproval = () => test.until(async () => (await test.call('GET', '/api/v1/approvals?state=open')).body[0]);
const vote = (id: string, as: keyof typeof tokens, choice = 'approve') =>
  test.call('POST', `/api/v1/approvals/${id}/votes`, { as, body: { vote: choice } });

describe('people', () => {
  it('a hundred clicks at once by four people on a quorum of two make one transition', async () => {
    test = await startTestApp({ 'policy.yaml': askTwo, 'runbooks/hello.yaml': hello });
    await test.alert({ alertname: 'Hello' });
    const approval = await openApproval();
    const who = ['ALICE', 'BOB', 'RITA', 'CI'] as const;
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => vote(approval.id, who[index % 4] ?? 'ALICE')),
    );
    expect(answers.filter(answer => answer.status === 200)).toHaveLength(2);
    expect(answers.filter(answer => answer.status === 403)).toHaveLength(50);
    expect(answers.filter(answer => answer.status === 409)).toHaveLength(48);
    expect((await test.ended(approval.run)).state).toBe('succeeded');
    const facts = (await test.journal()).map(entry => entry.fact);
    expect(facts.filter(fact => fact.kind === 'approval.voted')).toHaveLength(2);
    expect(facts.filter(fact => fact.kind === 'approval.closed')).toHaveLength(1);
    expect(facts.filter(fact => fact.kind === 'run.released')).toHaveLength(1);
  });

  it('one veto denies, whatever came before it', async () => {
    test = await startTestApp({ 'policy.yaml': askTwo, 'runbooks/hello.yaml': hello });
    await test.alert({ alertname: 'Hello' });
    const approval = await openApproval();
    await vote(approval.id, 'ALICE');
    expect((await vote(approval.id, 'BOB', 'deny')).status).toBe(200);
    expect(await test.ended(approval.run)).toMatchObject({ state: 'denied', steps: [{ state: 'pending' }] });
  });

  it('nobody approves an own request, and a service cannot approve at all', async () => {
    test = await startTestApp({ 'policy.yaml': askOne, 'runbooks/hello.yaml': hello });
    const asked = await test.call('POST', '/api/v1/runs', {
      as: 'ALICE',
      body: { runbook: 'hello', params: {}, reason: 'to see' },
    });
    expect(asked).toMatchObject({ status: 202, body: { state: 'waiting', runbook: 'hello' } });
    const approval = await openApproval();
    expect(await vote(approval.id, 'ALICE')).toMatchObject({ status: 403 });
    expect(await vote(approval.id, 'CI')).toMatchObject({ status: 403 });
    expect(await vote(approval.id, 'BOB')).toMatchObject({ status: 200 });
    expect((await test.ended(asked.body.id)).state).toBe('succeeded');
  });

  it('a token does no more than it may, whoever it belongs to, and whatever another token of theirs may', async () => {
    const config = basicConfig
      .replace('{ env: ALICE, person: alice }', '{ env: ALICE, person: alice, may: [run] }')
      .replace('{ env: CI, service: ci }', '{ env: CI, service: ci, may: [run] }\n  - { env: RUNNER, service: ci }');
    test = await startTestApp(
      { 'tocsin.yaml': config, 'policy.yaml': askOne, 'runbooks/hello.yaml': hello },
      { env: { RUNNER: 'token-of-runner' } },
    );
    await test.alert({ alertname: 'Hello' });
    const approval = await openApproval();
    const refused = await vote(approval.id, 'ALICE');
    expect([refused.status, refused.body.error.message]).toEqual([403, 'This token may only run.']);
    const headers = { authorization: 'Bearer token-of-runner' };
    const cancel = (as: 'CI' | null) =>
      test.call('POST', `/api/v1/runs/${approval.run}/cancel`, { as, ...(as === null ? { headers } : {}), body: {} });
    expect((await cancel('CI')).body.error.message).toBe('This token may only run.');
    // The other token of the service is limited by policy and operators only, like any service.
    expect((await cancel(null)).body.error.message).not.toContain('may only run');
    expect((await vote(approval.id, 'BOB')).status).toBe(200);
  });

  it('editing a runbook voids the approval that is open for its older text', async () => {
    test = await startTestApp({ 'policy.yaml': askOne, 'runbooks/hello.yaml': hello });
    await test.alert({ alertname: 'Hello' });
    const approval = await openApproval();
    await writeFile(join(test.folder, 'runbooks/hello.yaml'), hello.replace('echo, hello', 'echo, goodbye'));
    await test.app.catalogue.reload();
    expect(await vote(approval.id, 'ALICE')).toMatchObject({ status: 409 });
    expect(await test.ended(approval.run)).toMatchObject({ state: 'cancelled', steps: [{ state: 'pending' }] });
    expect(await test.app.store.approval(approval.id)).toMatchObject({ state: 'void' });
  });

  it('an approval that nobody answers expires and never approves', async () => {
    const clock = createClock();
    test = await startTestApp({ 'policy.yaml': askOne, 'runbooks/hello.yaml': hello }, { clock });
    await test.alert({ alertname: 'Hello' });
    const { id, run } = await openApproval();
    await clock.advance(30 * 60_000);
    const late = await vote(id, 'ALICE');
    expect([late.status, await test.app.store.approval(id)]).toMatchObject([409, { votes: [] }]);
    // Rounds of the sweeper, until one has found it.
    await test.until(async () => {
      await clock.advance(4000);
      return (await test.app.store.run(run))?.state === 'expired';
    });
    expect((await test.journal()).map(({ fact }) => fact.kind)).not.toContain('run.released');
  });

  it('cancel stops the child of a running step and leaves none behind', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/sleeper.yaml': sleeper });
    const { body } = await test.call('POST', '/api/v1/runs', {
      body: { runbook: 'sleeper', params: {}, reason: null },
    });
    await test.until(async () => (await test.app.store.run(body.id))?.steps[0]?.state === 'running');
    expect((await test.call('POST', `/api/v1/runs/${body.id}/cancel`, { as: 'RITA', body: {} })).status).toBe(403);
    expect((await test.call('POST', `/api/v1/runs/${body.id}/cancel`, { as: 'BOB', body: {} })).status).toBe(202);
    expect(await test.ended(body.id)).toMatchObject({ state: 'cancelled', because: 'bob cancelled it' });
  });

  it('the halt denies what is new and holds what waits, until somebody resumes', async () => {
    let held = 0;
    const wrapStore = (store: Store): Store => ({
      ...store,
      async halted() {
        const halt = await store.halted();
        if (halt !== null) held++;
        return halt;
      },
    });
    test = await startTestApp({ 'policy.yaml': askOne, 'runbooks/hello.yaml': hello }, { wrapStore });
    await test.alert({ alertname: 'Hello' });
    const approval = await openApproval();
    expect((await test.call('PUT', '/api/v1/halt', { as: 'RITA', body: { reason: 'incident' } })).status).toBe(403);
    expect((await test.call('PUT', '/api/v1/halt', { as: 'BOB', body: { reason: 'incident' } })).status).toBeLessThan(
      300,
    );
    expect(
      await test.call('POST', '/api/v1/runs', { body: { runbook: 'hello', params: {}, reason: null } }),
    ).toMatchObject({ status: 403 });
    held = 0;
    await vote(approval.id, 'ALICE');
    // Nothing is decided here, so whoever asks about the halt is a worker that was woken for the run: after the vote, and by the sweeper.
    await test.until(async () => held >= 2);
    expect(await test.app.store.run(approval.run)).toMatchObject({ state: 'queued', steps: [{ state: 'pending' }] });
    expect((await test.call('DELETE', '/api/v1/halt', { as: 'BOB' })).status).toBeLessThan(300);
    expect((await test.ended(approval.run)).state).toBe('succeeded');
    const order = ['halt.set', 'run.released', 'halt.cleared', 'run.started', 'step.started', 'run.finished'];
    const kinds = (await test.journal()).map(({ fact }) => fact.kind as string);
    expect(kinds.filter(kind => order.includes(kind))).toEqual(order);
  });
});
