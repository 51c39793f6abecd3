import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { foldRun } from '../../../src/model/fold.ts';
import type { Fact } from '../../../src/model/journal.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto, typescriptRunbook } from '../files.ts';

const ask = 'rules:\n  - name: ask\n    decide: approve\n    by: sre\n';
const yaml = (steps: string) => `title: Fix it\nrisk: low\nsteps:\n${steps}`;
const ts = (body: string) => typescriptRunbook(body, 'const seen = globalThis as { visits?: number };\n');

let test: TestApp;
afterEach(() => test.stop());

async function begin(): Promise<string> {
  const { body } = await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
  return body.id;
}
const raise = (): never => {
  throw new Error('there is no such button');
};
const isIn = (run: string, state: string) => test.until(async () => (await test.app.store.run(run))?.state === state);
const kindsOf = async (run: string) => (await test.app.store.stream(`run/${run}`)).map(entry => entry.fact.kind);

describe('a run', () => {
  it('that takes its worker down three times without any progress is stopped', async () => {
    const files = { 'policy.yaml': ask, 'runbooks/fix.yaml': yaml('  - id: one\n    exec: [echo, one]\n') };
    test = await startTestApp(files, { keep: true });
    const run = await begin();
    const { folder } = test;
    await test.stop();
    // What is journalled when a worker takes the run and the process dies before the first step, three times.
    const store = await sqlite.open({ folder: join(folder, 'data'), url: null, now: () => Date.now() });
    const facts: Fact[] = [
      { kind: 'run.released', run, because: 'approved' },
      ...[1, 2, 3].map(token => ({ kind: 'run.started' as const, run, token })),
    ];
    const at = Date.now();
    const doc = facts.reduce((known, fact) => foldRun(known, fact, at), await store.run(run));
    await store.commit({
      entries: facts.map(fact => ({ stream: `run/${run}`, actor: { kind: 'system', id: 'tocsin' }, at, fact })),
      rows: doc === null ? [] : [{ table: 'run', doc }],
    });
    await store.close();
    test = await startTestApp(files, { folder });
    expect(await test.ended(run)).toMatchObject({
      state: 'failed',
      because: expect.stringContaining('took its worker down 3 times'),
      steps: [{ state: 'pending' }],
    });
  });

  it('does nothing when its snapshot is not the one that was approved', async () => {
    const ledger = join('/tmp', `tocsin-ledger-${process.pid}-${Date.now()}`);
    const files = { 'policy.yaml': ask, 'runbooks/fix.yaml': yaml(`  - id: one\n    exec: [touch, ${ledger}]\n`) };
    test = await startTestApp(files, { keep: true });
    const run = await begin();
    const { folder } = test;
    const { planHash = '', approval } = (await test.app.store.run(run)) ?? {};
    await test.stop();
    const db = new DatabaseSync(join(folder, 'data', 'tocsin.db'));
    const forged = db
      .prepare("update blob set bytes = cast(replace(cast(bytes as text), 'touch', 'mkdir') as blob) where digest <> ?")
      .run(planHash);
    expect(Number(forged.changes)).toBeGreaterThan(0);
    db.close();
    test = await startTestApp(files, { folder });
    await test.call('POST', `/api/v1/approvals/${approval}/votes`, { as: 'BOB', body: { vote: 'approve' } });
    expect(await test.ended(run)).toMatchObject({ state: 'failed', steps: [{ state: 'pending' }] });
    expect(await kindsOf(run)).not.toContain('step.started');
  });

  it('that does something else on replay asks, does not guess, and ends when a person says so', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.ts': ts(`seen.visits = (seen.visits ?? 0) + 1;
    await step.exec('first', ['echo', String(seen.visits)]);
    await step.wait('pause', '50ms');
    await step.exec('second', ['true']);`),
    });
    const run = await begin();
    await isIn(run, 'asking');
    expect(await test.app.store.run(run)).toMatchObject({
      because: expect.stringContaining('On replay the step "first" is not what is journalled'),
      steps: [{ id: 'first', state: 'done' }, { id: 'pause' }],
    });
    const answer = { step: 'first', choice: 'abort', reason: 'not mine' };
    expect((await test.call('POST', `/api/v1/runs/${run}/answer`, { as: 'BOB', body: answer })).status).toBe(202);
    expect(await test.ended(run)).toMatchObject({ state: 'failed', because: expect.stringContaining('not mine') });
    expect((await test.app.store.run(run))?.steps.map(step => step.id)).toEqual(['first', 'pause']);
  });

  // Tells the store what an engine would have journalled; no engine takes the run, because nothing rings for it.
  async function tell(run: string, facts: Fact[]) {
    const at = Date.now();
    const doc = facts.reduce((known, fact) => foldRun(known, fact, at), await test.app.store.run(run));
    await test.app.store.commit({
      entries: facts.map(fact => ({ stream: `run/${run}`, actor: { kind: 'system', id: 'tocsin' }, at, fact })),
      rows: doc === null ? [] : [{ table: 'run', doc }],
    });
  }
  const lost = (run: string, step: string, attempt = 1): Fact[] => [
    { kind: 'step.interrupted', run, step, attempt, because: 'lost' },
    { kind: 'run.asking', run, step, because: `Nobody knows what "${step}" did, attempt ${attempt}.` },
  ];
  const alice = { kind: 'person', id: 'alice', account: null, via: 'api' } as const;
  const refusal = (because: string) => ({ ok: false, code: 'not-asked', text: expect.stringContaining(because) });

  it('is not ended, or taken on, by an old button for a step that it does not ask about any more', async () => {
    const files = {
      'policy.yaml': ask,
      'runbooks/fix.yaml': yaml(['a', 'b', 'c'].map(id => `  - id: ${id}\n    exec: ["true"]\n`).join('')),
    };
    test = await startTestApp(files);
    const run = await begin();
    const answer = async (step: string, choice: 'retry' | 'skip' | 'abort') =>
      await test.app.host.act(alice, { kind: 'answer', run, step, choice, reason: null });
    // The first question was answered; now the run asks about another step.
    const skipped: Fact = { kind: 'step.answered', run, step: 'a', choice: 'skip', reason: null };
    await tell(run, [...lost(run, 'a'), skipped, ...lost(run, 'b')]);
    for (const choice of ['abort', 'retry', 'skip'] as const)
      expect(await answer('a', choice)).toMatchObject(refusal('Nobody knows what "b" did'));
    expect(await test.app.store.run(run)).toMatchObject({ state: 'asking' });
    // A question about the replay: its buttons name the last step, and the API may name the one that differs.
    const differs: Fact = { kind: 'run.asking', run, step: 'a', because: 'On replay "a" differs.' };
    await tell(run, [{ ...skipped, step: 'b' }, differs]);
    const last = (await test.app.store.run(run))?.steps.at(-1)?.id;
    expect(last).toBe('c');
    expect(await answer('b', 'abort')).toMatchObject(refusal('On replay "a" differs'));
    expect(await test.app.store.run(run)).toMatchObject({ state: 'asking' });
    expect(await answer('c', 'abort')).toMatchObject({ ok: true });
    expect(await test.ended(run)).toMatchObject({ state: 'failed' });
  });

  it('is not ended, or taken on, by an old button for a step that it asks about again', async () => {
    test = await startTestApp({ 'policy.yaml': ask, 'runbooks/fix.yaml': yaml('  - id: a\n    exec: ["true"]\n') });
    const run = await begin();
    const { host } = test.app;
    const buttons = async () =>
      ((await host.details('run', run))?.buttons ?? []).flatMap(({ does }) =>
        does.kind === 'act' && does.act.kind === 'answer' ? [does.act] : [],
      );
    await tell(run, lost(run, 'a'));
    const old = await buttons();
    expect(old.map(act => [act.choice, act.question])).toEqual([
      ['retry', 1],
      ['skip', 1],
      ['abort', 1],
    ]);
    await tell(run, [{ kind: 'step.answered', run, step: 'a', choice: 'retry', reason: null }, ...lost(run, 'a', 2)]);
    for (const act of old) {
      const answer = await host.act(alice, act);
      expect(answer).toMatchObject(
        refusal('Question 1 of the run is over. It asks: Nobody knows what "a" did, attempt 2'),
      );
      expect(answer.text).toContain('use the buttons that stand there');
    }
    const answer = (question?: number) =>
      test.call('POST', `/api/v1/runs/${run}/answer`, { body: { step: 'a', choice: 'abort', question } });
    expect(await answer(1)).toMatchObject({ status: 409, body: { error: { code: 'not-asked' } } });
    expect((await test.call('GET', `/api/v1/runs/${run}`)).body).toMatchObject({
      state: 'asking',
      question: { number: 2, step: 'a' },
    });
    // The same two questions about the replay: a button of the first does not answer the second.
    const differs: Fact = { kind: 'run.asking', run, step: 'a', because: 'On replay "a" differs.' };
    const released: Fact = { kind: 'run.released', run, because: 'retry by alice' };
    await tell(run, [{ kind: 'step.answered', run, step: 'a', choice: 'skip', reason: null }, differs]);
    const [, abort] = await buttons();
    await tell(run, [released, differs]);
    expect(await host.act(alice, abort ?? raise())).toMatchObject(refusal('Question 3 of the run is over.'));
    // Who names no question means the present one.
    expect((await answer()).status).toBe(202);
    expect(await test.ended(run)).toMatchObject({
      state: 'failed',
      because: expect.stringContaining('aborted by alice'),
    });
  });

  it('goes on undoing when one undo fails, and says which did', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': yaml(
        '  - id: a\n    exec: ["true"]\n    undo: { exec: ["true"] }\n  - id: b\n    exec: ["true"]\n    undo: { exec: ["false"] }\n  - id: c\n    exec: ["false"]\n',
      ),
    });
    const run = await test.ended(await begin());
    expect(run).toMatchObject({
      state: 'failed',
      because: expect.stringMatching(/^c: exit code 1.*; undo of b failed: b\.undo: exit code 1/),
    });
    expect(run.steps.map(step => [step.id, step.state])).toEqual([
      ['a', 'undone'],
      ['b', 'done'],
      ['c', 'failed'],
      ['b.undo', 'failed'],
      ['a.undo', 'done'],
    ]);
  });
});

describe('a process that is told to stop', () => {
  it('lets the step at work finish and begins no other; the next process goes on from there', async () => {
    const step = (id: string, time: number) => `  - id: ${id}\n    exec: [sleep, "${time}"]\n`;
    const files = {
      'policy.yaml': auto,
      'runbooks/fix.yaml': yaml(step('one', 0.6) + step('two', 0) + step('three', 0)),
    };
    test = await startTestApp(files, { keep: true });
    const run = await begin();
    await test.until(async () => (await test.app.store.run(run))?.steps[0]?.state === 'running');
    const { folder } = test;
    await test.stop();
    test = await startTestApp(files, { folder });
    expect(await test.ended(run)).toMatchObject({
      state: 'succeeded',
      steps: [{ attempts: 1 }, { attempts: 1 }, { attempts: 1 }],
    });
    const told = (await test.journal()).flatMap(({ fact }) =>
      fact.kind === 'node.stopped'
        ? ['stopped']
        : fact.kind.startsWith('step.') && 'step' in fact
          ? [`${fact.kind} ${fact.step}`]
          : [],
    );
    expect(told.slice(0, 4)).toEqual(['step.started one', 'step.finished one', 'stopped', 'step.started two']);
  });
});

describe('where policy says notify', () => {
  const rules = 'rules:\n  - name: tell\n    decide: notify\n';
  const hello = `title: Say hello\nrisk: low\non:\n  - source: alertmanager\nsteps:\n  - id: hello\n    exec: [echo, hello]\n`;

  it('nothing runs by itself, the thread offers it, and a press by a person runs it; a service presses nothing', async () => {
    test = await startTestApp({ 'policy.yaml': rules, 'runbooks/fix.yaml': hello });
    const { alert } = await test.alert({ alertname: 'Hello' });
    const offer = await test.until(async () =>
      (await test.app.store.posts({ platform: 'console', thread: `alert/${alert}/1` })).find(post =>
        post.card.buttons.some(button => button.label === 'Run'),
      ),
    );
    expect(await test.runs()).toEqual([]);
    const act = offer.card.buttons.find(button => button.label === 'Run')?.does;
    expect(act).toMatchObject({ kind: 'act', act: { kind: 'run', runbook: 'fix', alert } });
    const press = (as: 'CI' | 'ALICE') =>
      test.call('POST', '/api/v1/runs', { as, body: { runbook: 'fix', params: {}, alert } });
    expect(await press('CI')).toMatchObject({ status: 403 });
    const begun = await press('ALICE');
    expect(begun.status).toBe(202);
    expect(await test.ended(begun.body.id)).toMatchObject({
      state: 'succeeded',
      trigger: 'manual',
      alert,
      decision: { verdict: 'auto', because: expect.stringContaining('alice pressed Run') },
    });
  });

  it('two presses of the same button begin one run, whoever is faster; so do two of Run again', async () => {
    const broken = hello.replace('[echo, hello]', '["false"]');
    test = await startTestApp({ 'policy.yaml': rules, 'runbooks/fix.yaml': broken });
    const { alert } = await test.alert({ alertname: 'Hello' });
    const offered = async (label: string) => {
      const posts = await test.app.store.posts({ platform: 'console', thread: `alert/${alert}/1` });
      return posts.flatMap(post => post.card.buttons).find(button => button.label === label)?.does;
    };
    const person = (id: string) => ({ kind: 'person', id, account: null, via: 'api' }) as const;
    for (const [count, label] of ['Run', 'Run again'].entries()) {
      const does = await test.until(() => offered(label));
      if (does.kind !== 'act') throw new Error('the button does nothing');
      const { host } = test.app;
      const answers = await Promise.all([host.act(person('alice'), does.act), host.act(person('bob'), does.act)]);
      expect(answers.map(answer => (answer.ok ? 'begun' : answer.code)).sort()).toEqual(['begun', 'conflict']);
      const runs = await test.runs();
      expect(runs).toHaveLength(count + 1);
      for (const run of runs) await test.ended(run.id);
      expect(await host.act(person('alice'), does.act)).toMatchObject({ ok: false, status: 409 });
    }
  });

  it('a press does not pass a rule that could not be evaluated: then people are asked', async () => {
    // A parameter that the event did not give is not there, and nothing can be said of it.
    const failing = `rules:\n  - name: not on these\n    when: params.host == "db-1"\n    decide: deny\n  - name: tell\n    decide: notify\n`;
    test = await startTestApp({ 'policy.yaml': failing, 'runbooks/fix.yaml': hello });
    const begun = await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
    expect(begun).toMatchObject({
      status: 202,
      body: {
        state: 'waiting',
        decision: { verdict: 'approve', because: expect.stringContaining('could not be evaluated') },
      },
    });
  });
});
