import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto, helloRunbook } from '../files.ts';

const echo = helloRunbook();
const ask = 'rules:\n  - name: ask\n    decide: approve\n    by: sre\n    quorum: 2\n    expires: 30m\n';

let test: TestApp;
afterEach(() => test.stop());

describe('the pipeline from alert to run', () => {
  it('runs by itself where policy says so, once for each episode however often it is delivered', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/hello.yaml': echo });
    const { alert } = await test.alert({ alertname: 'Hello', host: 'web-1' });
    await Promise.all(Array.from({ length: 20 }, () => test.alert({ alertname: 'Hello', host: 'web-1' })));
    const [first] = await test.until(async () => {
      const runs = await test.runs();
      return runs.length > 0 ? runs : null;
    });
    const run = await test.ended(first?.id ?? '');
    expect(run).toMatchObject({
      state: 'succeeded',
      targets: ['web-1'],
      alert,
      episode: 1,
      decision: { verdict: 'auto', rule: 'all' },
    });
    expect(run.steps).toMatchObject([
      { id: 'hello', state: 'done', attempts: 1, exitCode: 0, output: { stdout: 'web-1\n' } },
    ]);
    expect(await test.runs()).toHaveLength(1);
    expect(await test.app.store.alert(alert)).toMatchObject({ state: 'firing', count: 21, episode: 1 });
  });

  it('starts nothing for a notice, however many come, but where a trigger says kind: notice; explain says why not', async () => {
    const step = 'steps: [{ id: hello, exec: [echo, hello] }]\n';
    const map = 'map: { fingerprint: body.id, state: body.state, title: body.title }';
    const config = basicConfig.replace(
      'sources:\n',
      `sources:\n  desk:\n    type: webhook\n    auth: { bearer: desk-secret }\n    ${map}\n`,
    );
    test = await startTestApp({
      'tocsin.yaml': config,
      'policy.yaml': auto,
      'runbooks/all.yaml': `title: All\nrisk: low\non: [{ source: desk }]\n${step}`,
      'runbooks/alerts.ts': `import { defineRunbook } from 'tocsin';
export default defineRunbook({ title: 'Alerts', risk: 'low', on: [{ source: 'desk', kind: 'alert' }], run: async ({ step }) => { await step.exec('hello', ['true']); } });\n`,
      'runbooks/notes.yaml': `title: Notes\nrisk: low\non: [{ source: desk, kind: notice }]\n${step}`,
    });
    const send = async (state: string, title: string): Promise<string> => {
      const headers = { authorization: 'Bearer desk-secret' };
      const answer = await test.call('POST', '/events/desk', { as: null, headers, body: { id: 'Q1', state, title } });
      return answer.body.accepted[0].event;
    };
    const started = async (event: string) =>
      (await test.runs()).filter(run => run.event === event).map(run => run.runbook);
    const whyNot = async (event: string) => {
      const { body } = await test.call('GET', `/api/v1/explain/${event}`);
      return body.runbooks.flatMap((one: { runbook: string; holds: boolean; because: string }) =>
        one.holds ? [] : [`${one.runbook}: ${one.because}`],
      );
    };
    const notes = [await send('notice', 'I look'), await send('notice', 'I still look')];
    const alert = await send('firing', 'Disk full');
    await test.until(async () => (await started(alert)).length === 2);
    expect((await started(alert)).sort()).toEqual(['alerts', 'all']);
    for (const note of notes) {
      await test.until(async () => (await started(note)).length > 0);
      expect(await started(note)).toEqual(['notes']);
      expect(await whyNot(note)).toEqual([
        'alerts: kind is notice, not alert',
        'all: kind is notice, which only a trigger with kind: notice takes',
      ]);
    }
    expect(await whyNot(alert)).toEqual(['notes: kind is alert, not notice']);
  });

  it('asks people, counts distinct ones, and runs exactly what they approved', async () => {
    test = await startTestApp({ 'policy.yaml': ask, 'runbooks/hello.yaml': echo });
    await test.alert({ alertname: 'Hello', host: 'web-1' });
    const approval = await test.until(async () => (await test.call('GET', '/api/v1/approvals?state=open')).body[0]);
    const path = `/api/v1/approvals/${approval.id}/votes`;
    expect((await test.call('POST', path, { as: 'RITA', body: { vote: 'approve' } })).status).toBe(403);
    expect((await test.call('POST', path, { as: 'CI', body: { vote: 'approve' } })).status).toBe(403);
    expect((await test.call('POST', path, { as: 'ALICE', body: { vote: 'approve' } })).status).toBe(200);
    expect((await test.call('POST', path, { as: 'ALICE', body: { vote: 'approve' } })).status).toBe(409);
    expect((await test.runs())[0]).toMatchObject({ state: 'waiting' });
    expect((await test.call('POST', path, { as: 'BOB', body: { vote: 'approve' } })).status).toBe(200);
    const run = await test.ended(approval.run);
    expect(run.state).toBe('succeeded');
    const kinds = (await test.journal()).map(entry => entry.fact.kind);
    expect(kinds.indexOf('approval.closed')).toBeLessThan(kinds.indexOf('step.started'));
    expect(kinds.filter(kind => kind === 'act.refused')).toHaveLength(2);
  });

  it('asks in the thread before it shows the run that waits for the answer', async () => {
    test = await startTestApp({ 'policy.yaml': ask, 'runbooks/hello.yaml': echo });
    const { alert } = await test.alert({ alertname: 'Hello', host: 'web-1' });
    const posts = await test.until(async () => {
      const found = await test.app.store.posts({ platform: 'console', thread: `alert/${alert}/1` });
      return found.length >= 2 ? found : null;
    });
    expect(posts.map(post => post.key.split('/')[0])).toEqual(['approval', 'run']);
  });

  it('takes only its own claim for a sign that an event was considered before: after another refusal it considers it again', async () => {
    let refusals = 0;
    const losing = (store: Store): Store => ({
      ...store,
      commit(change) {
        const begins = change.entries?.some(entry => entry.fact.kind === 'run.created') === true;
        if (!begins || refusals++ > 0) return store.commit(change);
        return Promise.reject(new TocsinError('guard-failed', { at: 'lease duty/road', allowed: '2', given: '1' }));
      },
    });
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/hello.yaml': echo }, { wrapStore: losing });
    await test.alert({ alertname: 'Hello', host: 'web-1' });
    const [run] = await test.until(async () => {
      const runs = await test.runs();
      return runs.length > 0 ? runs : null;
    });
    expect(await test.ended(run?.id ?? '')).toMatchObject({ state: 'succeeded' });
    expect(refusals).toBe(2);
  });

  it('keeps and posts an event that no runbook matches', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/hello.yaml': echo });
    const { alert } = await test.alert({ alertname: 'Other' });
    const post = await test.until(() => test.app.store.post('console', `alert/${alert}/1`));
    expect(post.card).toMatchObject({ title: 'a test alert', badge: 'firing' });
    expect(await test.runs()).toEqual([]);
  });
});
