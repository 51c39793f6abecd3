import { afterEach, describe, expect, it } from 'vitest';
import { createReplay } from '../../../src/cli/replay.ts';
import { createDoubts } from '../../../src/flow/pipeline/doubts.ts';
import { type Log, silentLog } from '../../../src/kernel/log.ts';
import type { FactOf } from '../../../src/model/journal.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';

const message = 'the condition of a trigger could not be evaluated, so that it does not hold';
const steps = 'steps: [{ id: look, exec: ["true"] }]\n';
const runbook = (title: string, on: string) => `title: ${title}\nrisk: low\non: ${on}\n${steps}`;
const doubtful = '{ source: alertmanager, where: "int(labels.replicas) <= 3" }';
const rules =
  'rules:\n  - { name: asks, when: runbook.id == "b-asks", decide: approve, by: [sre] }\n  - { name: free, decide: auto }\n';

function logTo(lines: object[]): Log {
  return { ...silentLog, warn: (facts, text) => void (text === message && lines.push(facts)) };
}

describe('a trigger whose where cannot be evaluated', () => {
  let app: TestApp;
  afterEach(() => app.stop());
  const logged: object[] = [];

  async function open(runbooks: Record<string, string>) {
    logged.length = 0;
    app = await startTestApp(
      {
        'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, reopenAfter: 300ms }'),
        'policy.yaml': rules,
        ...runbooks,
      },
      { log: logTo(logged) },
    );
  }
  const decisions = async (): Promise<FactOf<'decision.made'>[]> =>
    (await app.journal()).flatMap(({ fact }) => (fact.kind === 'decision.made' ? [fact] : []));
  const runsOf = async (id: string) => (await app.runs()).filter(run => run.runbook === id);
  const decided = (count: number) =>
    app.until(async () => ((await decisions()).length >= count ? await decisions() : null));

  it('starts nothing, and says so in the log, in the journal and in the thread of the alert', async () => {
    await open({ 'runbooks/a-doubt.yaml': runbook('Doubt', `[${doubtful}]`) });
    const { alert, event } = await app.alert({ alertname: 'Down' });
    const [made] = await decided(1);
    expect(made).toMatchObject({ alert, event, episode: 1, runbook: 'a-doubt', verdict: 'deny', rule: 'where' });
    expect(made?.because).toMatch(
      /^the condition of its trigger could not be evaluated \(int\(labels\.replicas\) <= 3\): ./,
    );
    expect(logged).toEqual([{ runbook: 'a-doubt', because: expect.stringMatching(/./) }]);
    const posts = await app.until(async () => {
      const all = await app.app.store.posts({ platform: 'console', thread: `alert/${alert}/1`, limit: 100 });
      return all.some(post => post.card.title === 'a-doubt was not started') && all;
    });
    const card = posts.find(post => post.card.title === 'a-doubt was not started')?.card;
    expect(card?.blocks).toEqual([{ kind: 'text', text: made?.because }]);
    expect(await app.runs()).toEqual([]);
    const replay = createReplay(app.app.catalogue.current());
    for (const entry of await app.journal()) replay.take(entry, true);
    expect(replay.result()).toEqual({ events: 1, gates: 0, differences: [] });
  });

  it('says so once for an episode, also when the alert fires again, and starts what can be evaluated', async () => {
    await open({
      'runbooks/a-doubt.yaml': runbook('Doubt', `[${doubtful}]`),
      'runbooks/b-asks.yaml': runbook('Asks', '[{ source: alertmanager }]'),
    });
    const at = { startsAt: '2026-11-28T10:00:00Z' };
    await app.alert({ alertname: 'Down' }, at);
    await app.until(async () => (await runsOf('b-asks')).length === 1);
    await app.alert({ alertname: 'Down' }, { status: 'resolved', ...at });
    await app.until(async () => (await app.app.store.approvals({ state: 'void' })).length === 1);
    await app.alert({ alertname: 'Down' }, at);
    // Candidates are considered by name: when this one was asked for anew, the other was considered before.
    await app.until(async () => (await runsOf('b-asks')).length === 2);
    expect(await decisions()).toHaveLength(1);
    const replay = createReplay(app.app.catalogue.current());
    for (const entry of await app.journal()) replay.take(entry, true);
    expect(replay.result().differences).toEqual([]);
    await app.alert({ alertname: 'Small', replicas: '2' }, { fingerprint: 'small' });
    await app.until(async () => (await runsOf('a-doubt')).length === 1);
    await app.alert({ alertname: 'Odd', replicas: 'many' }, { fingerprint: 'odd' });
    expect((await decided(2)).map(made => made.rule)).toEqual(['where', 'where']);
  });

  it('does not keep another trigger of the runbook from starting it', async () => {
    await open({ 'runbooks/a-doubt.yaml': runbook('Doubt', `[${doubtful}, { source: alertmanager }]`) });
    await app.alert({ alertname: 'Down' });
    await app.until(async () => (await runsOf('a-doubt')).length === 1);
    expect(await decisions()).toEqual([]);
    expect(logged).toHaveLength(1);
  });
});

describe('the log of such triggers', () => {
  it('has each runbook and reason once a minute, and no more than 64 lines a minute', async () => {
    const clock = createClock();
    const lines: object[] = [];
    const doubts = createDoubts({ clock, log: logTo(lines) });
    const note = () => {
      lines.length = 0;
      for (const [runbook, because] of [
        ['a', 'x'],
        ['a', 'x'],
        ['a', 'y'],
        ['b', 'x'],
      ] as const)
        doubts.note(runbook, because);
      return lines.length;
    };
    expect(note()).toBe(3);
    await clock.advance(59_999);
    expect(note()).toBe(0);
    // A minute is one also when the system's clock is set back.
    clock.jump(0);
    await clock.advance(1);
    expect(note()).toBe(3);
    for (let count = 0; count < 200; count++) doubts.note('c', `reason ${count}`);
    expect(lines).toHaveLength(64);
    await clock.advance(60_000);
    expect(note()).toBe(3);
  });
});
