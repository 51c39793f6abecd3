import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed, type Feed, type Following } from '../../../src/flow/journal/feed.ts';
import { createSeals } from '../../../src/flow/people/seal.ts';
import { createBeforehand } from '../../../src/flow/thread/beforehand/look.ts';
import { startThreads } from '../../../src/flow/thread/thread.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createKeyedMutex } from '../../../src/kernel/mutex.ts';
import type { Post } from '../../../src/model/card.ts';
import { configFile } from '../../../src/model/config.ts';
import type { Fact } from '../../../src/model/journal.ts';
import type { Run, Step } from '../../../src/model/run.ts';
import type { ChatCapabilities } from '../../../src/ports/chat.ts';
import type { Change, Row, Store } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { noon, sampleAlert, sampleEvent, sampleRun } from '../../contracts/samples.ts';
import { createClock } from '../../doubles/clock.ts';

const clock = createClock();
const console_: ChatCapabilities = { maxText: 1000, streams: true, editEvery: 0, immediate: true };
const slack: ChatCapabilities = { maxText: 1000, streams: false, editEvery: 1000 };

let folder: string;
let store: Store;
let feed: Feed;
let threads: Following;
let targets: string[];
let routed: unknown[];
/** What the next commits of posts meet instead of the store. */
let commits: ((change: Change) => void)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-thread-'));
  store = await sqlite.open({ folder, url: null, now: clock.now });
  targets = ['console:alerts', 'slack:#ops'];
  routed = [];
  commits = [];
  await start();
});
afterEach(async () => {
  await threads.stop();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function start() {
  const guarded: Store = Object.assign(Object.create(store), {
    async commit(change: Change) {
      if (change.rows?.some(row => row.table === 'post' && row.doc.platform === 'slack')) commits.shift()?.(change);
      return await store.commit(change);
    },
  });
  feed = createFeed({ store: guarded, log: silentLog, sleep: () => new Promise(resolve => setTimeout(resolve, 1)) });
  const set = {
    config: configFile.parse({}),
    route(variables: unknown) {
      routed.push(variables);
      return targets;
    },
  };
  threads = await startThreads({
    store,
    docs: store,
    feed,
    catalogue: { current: () => set } as never,
    mutex: createKeyedMutex(),
    cards: {
      seals: createSeals('k'.repeat(32)),
      showTime: at => new Date(at).toISOString(),
      page: path => `https://tocsin.example${path}`,
    },
    platforms: () =>
      new Map([
        ['console', console_],
        ['slack', slack],
      ]),
    outline: async () => [],
    beforehand: createBeforehand({
      store,
      catalogue: { current: () => ({ ...set, runbooks: new Map() }) } as never,
      groups: { people: async () => null },
      clock: systemClock,
      log: silentLog,
      outline: async () => [],
      showTime: at => new Date(at).toISOString(),
      platforms: () => [],
    }),
    baseUrl: () => 'http://tocsin.example',
  });
}

async function journal(fact: Fact, ...rows: Row[]): Promise<void> {
  await feed.commit({ entries: [{ stream: 's', actor: { kind: 'system', id: 'tocsin' }, at: noon, fact }], rows });
  await threads.caughtUp();
}

const alert = sampleAlert({ id: 'alt_1', episode: 1 });
const accepted = (): Promise<void> =>
  journal(
    { kind: 'event.accepted', event: sampleEvent(), effect: 'opened', alert: 'alt_1', episode: 1 },
    { table: 'alert', doc: alert },
  );
const noted = (text: string) => journal({ kind: 'alert.noted', alert: 'alt_1', text });
const posts = async (platform: string): Promise<Post[]> => await store.posts({ platform });
const keys = async (platform: string) => (await posts(platform)).map(post => `${post.channel} ${post.key}`);

const step = (over: Partial<Step>): Step => ({
  id: 'clean',
  type: 'exec',
  title: 'Clean up',
  state: 'running',
  attempts: 1,
  idempotent: false,
  inputDigest: null,
  waiting: null,
  exitCode: null,
  output: null,
  because: null,
  ending: null,
  window: null,
  startedAt: noon,
  finishedAt: null,
  ...over,
});
const run = (over: Partial<Run>) =>
  sampleRun({ alert: 'alt_1', episode: 1, state: 'running', startedAt: noon, ...over });
const started = (doc: Run) =>
  journal(
    {
      kind: 'step.started',
      run: doc.id,
      step: 'clean',
      type: 'exec',
      title: '',
      attempt: 1,
      idempotent: false,
      inputDigest: '',
      token: 1,
    },
    { table: 'run', doc },
  );

describe('threads', () => {
  it('do not touch the root of a thread for news of a run, and make it where it is missing', async () => {
    await accepted();
    const [root] = await posts('slack');
    // What the card shows has another reason to change: it does so with the next news of the alert itself.
    await store.commit({ rows: [{ table: 'alert', doc: { ...alert, title: 'Another title', version: 2 } }] });
    await started(run({ steps: [step({})] }));
    expect((await posts('slack'))[0]).toEqual(root);
    expect(await keys('slack')).toEqual([`${root?.channel} alert/alt_1/1`, `${root?.channel} run/run_1`]);
    await noted('look here');
    expect((await posts('slack'))[0]).toMatchObject({
      key: 'alert/alt_1/1',
      wanted: 2,
      card: { title: 'Another title' },
    });
    const second = { ...alert, id: 'alt_2', fingerprint: 'f2', title: 'Second' };
    const doc = run({ id: 'run_2', alert: 'alt_2', steps: [step({})] });
    await journal({ kind: 'run.created', run: doc }, { table: 'alert', doc: second }, { table: 'run', doc });
    expect((await keys('slack')).filter(key => key.includes('alt_2'))).toEqual([`${root?.channel} alert/alt_2/1`]);
  });

  it('stay in memory only within so many bytes: large ones are read from the store when they change', async () => {
    const asked: string[] = [];
    const opened = store;
    await threads.stop();
    store = {
      ...opened,
      post(platform, key) {
        if (platform === 'console') asked.push(key);
        return opened.post(platform, key);
      },
    };
    await start();
    const open = (id: string, description: string) => {
      const doc = sampleAlert({ id, episode: 1, fingerprint: id, annotations: { description } });
      const event = sampleEvent();
      return journal(
        { kind: 'event.accepted', event, effect: 'opened', alert: id, episode: 1 },
        { table: 'alert', doc },
      );
    };
    const asksAgain = async (id: string) => {
      asked.length = 0;
      await journal({ kind: 'alert.noted', alert: id, text: 'look here' });
      return asked.includes(`alert/${id}/1`);
    };
    targets = ['console:alerts'];
    await open('alt_1', 'small');
    expect(await asksAgain('alt_1')).toBe(false);
    for (let n = 2; n < 26; n++) await open(`alt_${n}`, 'x'.repeat(100_000));
    expect(await asksAgain('alt_25')).toBe(false);
    expect(await asksAgain('alt_1')).toBe(true);
  });

  it('are delivered at once where the stored post is the message, and wait for a poster elsewhere', async () => {
    await accepted();
    await noted('look here');
    expect((await posts('console')).map(post => [post.delivered, post.wanted, post.ref])).toEqual([
      [1, 1, 'alert/alt_1/1'],
      [1, 1, expect.stringMatching(/^note\//)],
    ]);
    expect((await posts('slack')).map(post => [post.delivered, post.wanted, post.ref])).toEqual([
      [0, 1, null],
      [0, 1, null],
    ]);
  });

  it('take what is said about an alert to its newest episode, and nothing about one that was not known then', async () => {
    await accepted();
    const about = (text: string, fingerprint: string, receivedAt = noon, source = 'alertmanager') => {
      const facts = { labels: {}, links: [], occurredAt: receivedAt, type: 'incident.annotated' };
      const body = { kind: 'notice' as const, title: text, about: fingerprint, ...facts };
      const event = { id: `evt_${text}`, source, receivedAt, raw: null, trusted: true, body };
      return journal({ kind: 'event.accepted', event, effect: null, alert: null, episode: null });
    };
    await about('first', alert.fingerprint);
    await store.commit({ rows: [{ table: 'alert', doc: { ...alert, episode: 2, version: alert.version + 1 } }] });
    await about('newest', alert.fingerprint);
    await about('before', alert.fingerprint, noon - 1);
    await about('unknown', 'f-unknown');
    await about('elsewhere', alert.fingerprint, noon, 'pagerduty');
    const notes = (await posts('slack')).filter(post => post.key.startsWith('note/')).sort((a, b) => a.order - b.order);
    expect(notes.map(post => [post.card.title, post.thread])).toEqual([
      ['first', 'alert/alt_1/1'],
      ['newest', 'alert/alt_1/2'],
      ['before', null],
      ['unknown', null],
      ['elsewhere', null],
    ]);
  });

  it('ask the routes for the event and the alert', async () => {
    await accepted();
    expect(routed[0]).toMatchObject({ event: { id: 'evt_1' }, alert: { id: 'alt_1' } });
  });

  it('are in all channels that the route names, several of one platform as well, and stay there', async () => {
    targets = ['slack:#ops', 'slack:#db', 'console:alerts', 'console:db', 'slack:#ops', 'irc:#off'];
    await accepted();
    targets = ['slack:#elsewhere'];
    await noted('look here');
    expect(await keys('slack')).toEqual([
      '#ops alert/alt_1/1',
      '#db alert/alt_1/1 @#db',
      expect.stringMatching(/^#ops note\/2\/0$/),
      expect.stringMatching(/^#db note\/2\/0 @#db$/),
    ]);
    expect(await keys('console')).toHaveLength(4);
    const [, , , copy] = await posts('slack');
    expect(copy?.thread).toBe('alert/alt_1/1 @#db');
  });

  it('go on in the fallback channel when their own was refused, and nowhere twice', async () => {
    targets = ['slack:#ops'];
    await accepted();
    const root = await store.post('slack', 'alert/alt_1/1');
    if (root === null) throw new Error('no root');
    await store.commit({ rows: [{ table: 'post', doc: { ...root, delivered: 1, withheld: 'refused' } }] });
    await noted('look here');
    expect(await keys('slack')).toEqual(['#ops alert/alt_1/1']);
    expect(await keys('console')).toEqual(['alerts alert/alt_1/1', 'alerts note/2/0']);
  });

  it('never put back what a poster recorded meanwhile', async () => {
    await accepted();
    const root = await store.post('slack', 'alert/alt_1/1');
    if (root === null) throw new Error('no root');
    const recorded = store.commit.bind(store);
    commits = [
      () => {
        void recorded({ rows: [{ table: 'post', doc: { ...root, delivered: 1, ref: 'm1' } }] });
        throw new TocsinError('guard-failed', { at: 'post slack/alert/alt_1/1' });
      },
    ];
    await journal(
      { kind: 'alert.acknowledged', alert: 'alt_1' },
      { table: 'alert', doc: { ...alert, acknowledgedBy: 'alice' } },
    );
    expect(await store.post('slack', 'alert/alt_1/1')).toMatchObject({ wanted: 2, delivered: 1, ref: 'm1' });
  });

  it('change nothing for a card that would look the same', async () => {
    await accepted();
    const before = await posts('slack');
    await threads.stop();
    await start();
    await journal({ kind: 'alert.acknowledged', alert: 'alt_1' });
    expect((await store.post('slack', 'alert/alt_1/1'))?.changed).toBe(before[0]?.changed);
  });

  it('show output within the run where the platform streams, and as messages of their own where it does not', async () => {
    await accepted();
    await started(run({ steps: [step({})] }));
    const kinds = async (platform: string) =>
      (await store.post(platform, 'run/run_1'))?.card.blocks.map(block => block.kind);
    expect(await kinds('console')).toContain('output');
    expect(await kinds('slack')).not.toContain('output');
    expect(await store.post('slack', 'output/run_1/clean')).toBeNull();
    await store.commit({
      rows: [{ table: 'output', doc: { run: 'run_1', step: 'clean', attempt: 1, seq: 1, text: 'x\n', at: 1 } }],
    });
    const lines = Array.from({ length: 100 }, (_, n) => `line ${n}`).join('\n');
    await started(run({ state: 'succeeded', steps: [step({ state: 'done', output: { stdout: lines, stderr: '' } })] }));
    const output = await store.post('slack', 'output/run_1/clean');
    expect(output).toMatchObject({
      thread: 'alert/alt_1/1',
      over: true,
      card: { title: 'Output of Clean up', badge: null },
    });
    const [block, links] = output?.card.blocks ?? [];
    expect(block).toMatchObject({ kind: 'output', live: false, tail: expect.stringMatching(/^line 80\n.*line 99$/s) });
    expect(links).toMatchObject({ links: [{ url: 'http://tocsin.example/runs/run_1' }] });
    expect(await store.post('slack', 'log/run_1')).toMatchObject({
      thread: 'alert/alt_1/1',
      card: { title: expect.stringContaining('Full log') },
    });
    expect(await store.post('console', 'log/run_1')).toBeNull();
  });

  it('an output that was live does not look so when its step is over without any of its own', async () => {
    await accepted();
    await started(run({ steps: [step({})] }));
    const home = await store.post('slack', 'run/run_1');
    if (home === null) throw new Error('no run');
    const card = {
      ...home.card,
      blocks: [{ kind: 'output' as const, run: 'run_1', step: 'clean', tail: 'half', live: true }],
    };
    await store.commit({ rows: [{ table: 'post', doc: { ...home, key: 'output/run_1/clean', card } }] });
    await started(run({ state: 'failed', steps: [step({ state: 'failed' })] }));
    expect((await store.post('slack', 'output/run_1/clean'))?.card.blocks).toMatchObject([
      { live: false, tail: 'half' },
    ]);
  });

  it('say when nothing more is expected of their subject', async () => {
    await accepted();
    await noted('look here');
    await started(run({ steps: [step({})] }));
    const over = async () =>
      Object.fromEntries((await posts('slack')).map(post => [post.key.split('/')[0], post.over]));
    expect(await over()).toEqual({ alert: false, note: true, run: false });
    await journal(
      { kind: 'alert.acknowledged', alert: 'alt_1' },
      { table: 'alert', doc: { ...alert, state: 'resolved' } },
    );
    await started(run({ state: 'succeeded', steps: [step({ state: 'done' })] }));
    expect(await over()).toMatchObject({ alert: true, run: true });
  });
});
