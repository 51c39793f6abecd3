import { afterEach, describe, expect, it } from 'vitest';
import { beginRun } from '../../../src/flow/pipeline/begin.ts';
import {
  type Change,
  changeOf,
  isOver,
  isOverFor,
  outlived,
  settleRuns,
  voidOutlived,
} from '../../../src/flow/pipeline/episode.ts';
import type { Alert, AlertEnd } from '../../../src/model/alert.ts';
import { newStep } from '../../../src/model/fold.ts';
import type { FactOf } from '../../../src/model/journal.ts';
import type { Run } from '../../../src/model/run.ts';
import { sampleAlert, sampleEvent, sampleRun } from '../../contracts/samples.ts';
import { askOf, createPlace, type FlowPlace, person, putRun, runbookOf } from '../place.ts';

const end = (how: AlertEnd['how']): AlertEnd => ({ how, because: null });
const firing = sampleAlert({ id: 'alt_1', episode: 2 });
const resolved = (how: AlertEnd['how'] | null): Alert => ({
  ...firing,
  state: 'resolved',
  resolvedAt: 5,
  end: how === null ? null : end(how),
});
const run = (facts: Partial<Run> = {}) => sampleRun({ alert: 'alt_1', episode: 2, ...facts });

describe('a run that its alert asked for', () => {
  const newer = 'a newer episode of the alert began, which is decided by itself';
  const over = 'the alert is resolved';

  it.each<[string, Run, Alert | null, string | null]>([
    ['while it fires', run(), firing, null],
    ['while it is silenced', run(), { ...firing, state: 'silenced' }, null],
    ['once it is resolved', run(), resolved('told'), over],
    ['once it ended in a way that an older build did not keep', run(), resolved(null), over],
    ['once it is gone', run(), resolved('gone'), over],
    ['once it is closed', run(), resolved('closed'), over],
    ['once it ended untold', run(), resolved('untold'), over],
    ['once nobody watched its end', run(), resolved('unwatched'), over],
    ['once it expired', run(), resolved('expired'), null],
    ['once it was merged', run(), resolved('merged'), null],
    ['in a newer episode', run({ episode: 1 }), firing, newer],
    ['in a newer episode that is over', run({ episode: 1 }), resolved('expired'), newer],
    ['of an episode that is not known yet', run({ episode: 3 }), firing, null],
    ['of an alert that is gone', run(), null, null],
    ['of no episode', run({ episode: null }), resolved('told'), null],
    ['by hand, once it is resolved', run({ trigger: 'manual' }), resolved('told'), null],
    ['by another run, in a newer episode', run({ trigger: 'runbook', episode: 1 }), firing, null],
    ['by a schedule', run({ trigger: 'schedule', episode: 1 }), firing, null],
  ])('%s', (_, one, alert, because) => {
    expect(outlived(one, alert)).toBe(because);
  });

  it('is over for a step by the same ends, whoever asked for it', () => {
    expect([isOver(firing), isOver(resolved('told')), isOver(resolved('expired')), isOver(resolved('merged'))]).toEqual(
      [false, true, false, false],
    );
    expect(isOver({ ...firing, end: end('told') })).toBe(false);
    expect([isOverFor({ episode: 2 }, firing), isOverFor({ episode: 1 }, firing)]).toEqual([false, true]);
    expect([isOverFor({ episode: 2 }, resolved('told')), isOverFor({ episode: 2 }, resolved('expired'))]).toEqual([
      true,
      false,
    ]);
    expect([isOverFor({ episode: null }, resolved('told')), isOverFor({ episode: 1 }, null)]).toEqual([false, false]);
  });
});

describe('what news means for runs', () => {
  const accepted = (facts: Partial<FactOf<'event.accepted'>>): FactOf<'event.accepted'> => ({
    kind: 'event.accepted',
    event: sampleEvent({ startsAt: 70 }, { receivedAt: 80 }),
    effect: 'opened',
    alert: 'alt_1',
    episode: 2,
    ...facts,
  });
  it.each<[string, Parameters<typeof changeOf>[0], Change]>([
    ['a close', { kind: 'alert.closed', alert: 'alt_1', episode: 2, reason: 'x' }, { kind: 'closed' }],
    [
      'a reopening that was told',
      { kind: 'alert.reopened', alert: 'alt_1', episode: 2, event: sampleEvent({}, { receivedAt: 80 }) },
      { kind: 'reopened', episode: 2, heardAt: 80 },
    ],
    ['an opening', accepted({}), { kind: 'opened', episode: 2, heardAt: 80, startsAt: 70 }],
    [
      'a resolve',
      accepted({ effect: 'resolved', end: end('gone') }),
      { kind: 'resolved', episode: 2, heardAt: 80, end: end('gone') },
    ],
    [
      'a resolve of an older build',
      accepted({ effect: 'resolved' }),
      { kind: 'resolved', episode: 2, heardAt: 80, end: null },
    ],
    ['a refresh', accepted({ effect: 'refreshed' }), { kind: 'news' }],
    ['a reopening in its quiet time', accepted({ effect: 'reopened', quiet: true }), { kind: 'news' }],
    ['a resolve of what was never seen', accepted({ effect: 'unseen' }), { kind: 'news' }],
    ['one without an episode', accepted({ episode: null }), { kind: 'news' }],
    [
      'a notice',
      accepted({
        event: {
          ...sampleEvent(),
          body: { kind: 'notice', title: 't', labels: {}, links: [], occurredAt: 1, type: 'x' },
        },
      }),
      { kind: 'news' },
    ],
  ])('%s', (_, fact, change) => {
    expect(changeOf(fact)).toEqual(change);
  });
});

let place: FlowPlace;
afterEach(() => place?.close());

const news: Change = { kind: 'news' };
const state = async (id: string) => (await place.store.run(id))?.state;

describe('the runs of an alert', () => {
  /** One that asks people, as the pipeline makes it. */
  async function ask(): Promise<string> {
    place.set.runbooks.set('mend', runbookOf('mend'));
    const decision = { verdict: 'approve', rule: 'r', because: 'b', ask: askOf('sre') } as const;
    const request = { runbook: runbookOf('mend'), params: {}, reason: null, event: null, reopened: false } as const;
    const who = { kind: 'source', id: 'am' } as const;
    const begun = beginRun({ ...request, alert: firing, trigger: 'event', who }, decision, place.node);
    await place.store.commit(begun.change);
    return begun.run.id;
  }

  it('that have begun are woken by any news, and those of other alerts are not', async () => {
    place = await createPlace();
    await putRun(place.store, run({ id: 'run_works', state: 'running', startedAt: 1 }));
    await putRun(place.store, run({ id: 'run_waits', state: 'waiting', startedAt: 1 }));
    await putRun(place.store, run({ id: 'run_asks', state: 'asking', startedAt: 1 }));
    await putRun(place.store, run({ id: 'run_queued', state: 'queued' }));
    await putRun(place.store, run({ id: 'run_over', state: 'failed', startedAt: 1, finishedAt: 2 }));
    await putRun(place.store, run({ id: 'run_other', state: 'running', startedAt: 1, alert: 'alt_2' }));
    await settleRuns(firing, news, place.node);
    expect(place.node.woken.map(one => one.run).sort()).toEqual(['run_asks', 'run_waits', 'run_works']);
    // News that ends nothing voids nothing, whatever became of the alert since.
    await settleRuns(resolved('told'), news, place.node);
    expect(await state('run_queued')).toBe('queued');
  });

  it('that have not begun end with its end, and with a newer episode; the rest goes on', async () => {
    for (const [alert, change, because] of [
      [resolved('told'), { kind: 'resolved', episode: 2, heardAt: 9, end: null }, 'the alert is resolved'],
      [resolved('closed'), { kind: 'closed' }, 'the alert is resolved'],
      [
        { ...firing, episode: 3 },
        { kind: 'opened', episode: 3, heardAt: 9, startsAt: 8 },
        'a newer episode of the alert began, which is decided by itself',
      ],
    ] as [Alert, Change, string][]) {
      place = await createPlace();
      const asked = await ask();
      await putRun(place.store, run({ id: 'run_queued', state: 'queued' }));
      await putRun(place.store, run({ id: 'run_works', state: 'running', startedAt: 1 }));
      await putRun(place.store, run({ id: 'run_manual', state: 'queued', trigger: 'manual' }));
      await putRun(place.store, run({ id: 'run_odd', state: 'waiting', approval: null }));
      await settleRuns(alert, change, place.node);
      for (const id of [asked, 'run_queued'])
        expect(await place.store.run(id)).toMatchObject({ state: 'cancelled', because: `${because}, so nothing runs` });
      expect((await place.store.approvals({}))[0]).toMatchObject({
        state: 'void',
        because: `${because}, so nothing runs`,
      });
      expect([await state('run_works'), await state('run_manual'), await state('run_odd')]).toEqual([
        'running',
        'queued',
        'waiting',
      ]);
      expect(place.node.woken.map(one => one.run)).toEqual(['run_works']);
      const entry = (await place.store.stream('run/run_queued')).at(-1);
      expect(entry?.actor).toEqual({ kind: 'system', id: 'tocsin' });
      await place.close();
    }
    place = await createPlace();
  });

  it('that were approved and found no worker yet end as well, and their approval stays what it is', async () => {
    place = await createPlace();
    const id = await ask();
    const [approval] = await place.store.approvals({});
    const vote = { kind: 'vote', approval: approval?.id ?? '', vote: 'approve', reason: null, seal: null } as const;
    expect(await place.node.act(person('alice'), vote)).toMatchObject({ ok: true });
    expect(await state(id)).toBe('queued');
    await settleRuns(resolved('told'), { kind: 'resolved', episode: 2, heardAt: 9, end: null }, place.node);
    expect(await place.store.run(id)).toMatchObject({
      state: 'cancelled',
      because: 'the alert is resolved, so nothing runs',
    });
    expect((await place.store.approvals({}))[0]).toMatchObject({ state: 'approved' });
  });

  it('are told whether they were ended', async () => {
    place = await createPlace();
    const put = (id: string, facts: Partial<Run>) => putRun(place.store, run({ id, ...facts }));
    const over = resolved('told');
    expect(await voidOutlived(await put('run_a', { state: 'queued' }), over, place.node)).toBe(true);
    expect(await voidOutlived(await put('run_b', { state: 'queued' }), firing, place.node)).toBe(false);
    expect(await voidOutlived(await put('run_c', { state: 'queued', startedAt: 1 }), over, place.node)).toBe(false);
    expect(await voidOutlived(await put('run_d', { state: 'asking' }), over, place.node)).toBe(false);
    expect(await voidOutlived(await put('run_e', { state: 'waiting' }), over, place.node)).toBe(false);
    expect([await state('run_a'), await state('run_b'), await state('run_c')]).toEqual([
      'cancelled',
      'queued',
      'queued',
    ]);
  });
});

describe('a run that is over', () => {
  const verify = newStep('gone', { type: 'verify', state: 'done', startedAt: 90, finishedAt: 100, window: 500 });
  const ended = (facts: Partial<Run> = {}) =>
    run({ id: 'run_1', state: 'succeeded', startedAt: 50, finishedAt: 10_000, steps: [verify], ...facts });
  const amended = async (facts: Partial<Run>, change: Change) => {
    place = await createPlace();
    const before = await putRun(place.store, ended(facts));
    for (let n = 0; n < 2; n++) await settleRuns({ ...firing, episode: 9 }, change, place.node);
    const after = await place.store.run('run_1');
    const told = await place.facts('run.amended');
    await place.close();
    place = await createPlace();
    // What was considered twice is said once.
    expect(told.length).toBeLessThanOrEqual(1);
    return told.length === 0 ? null : [after?.because, after?.state === before.state ? 'as it was' : after?.state];
  };
  const resolve = (facts: Partial<Extract<Change, { kind: 'resolved' }>> = {}): Change => ({
    kind: 'resolved',
    episode: 2,
    heardAt: 10_000,
    end: end('told'),
    ...facts,
  });
  const opened = (facts: Partial<Extract<Change, { kind: 'opened' }>> = {}): Change => ({
    kind: 'opened',
    episode: 3,
    heardAt: 10_000,
    startsAt: 10_500,
    ...facts,
  });
  const later = (how: string) => [`resolved later, after the run ended ${how}`, 'as it was'];
  const uncured = ['it fires again since 1970-01-01T00:00:10Z, so the cure did not hold', 'ineffective'];

  it.each<[string, Partial<Run>, Change, unknown]>([
    ['ineffective, and resolved later', { state: 'ineffective' }, resolve(), later('ineffective')],
    ['unconfirmed, and gone later', { state: 'unconfirmed' }, resolve({ end: end('gone') }), later('unconfirmed')],
    [
      'unconfirmed, and closed by an older build',
      { state: 'unconfirmed' },
      resolve({ end: null }),
      later('unconfirmed'),
    ],
    ['failed, and resolved later', { state: 'failed' }, resolve(), null],
    ['succeeded, and resolved later', {}, resolve(), null],
    ['unconfirmed, and expired', { state: 'unconfirmed' }, resolve({ end: end('expired') }), null],
    ['unconfirmed, and unwatched', { state: 'unconfirmed' }, resolve({ end: end('unwatched') }), null],
    ['unconfirmed, and merged', { state: 'unconfirmed' }, resolve({ end: end('merged') }), null],
    ['unconfirmed, and another episode resolved', { state: 'unconfirmed' }, resolve({ episode: 3 }), null],
    ['unconfirmed, of no episode', { state: 'unconfirmed', episode: null }, resolve(), null],
    [
      'resolved two seconds before it ended',
      { state: 'unconfirmed' },
      resolve({ heardAt: 8000 }),
      later('unconfirmed'),
    ],
    ['resolved longer before it ended', { state: 'unconfirmed' }, resolve({ heardAt: 7999 }), null],
    ['cured, and a new episode within its window', {}, opened({ startsAt: 10_500 }), uncured],
    ['cured, and a new episode after its window', {}, opened({ startsAt: 10_501 }), null],
    ['cured, and an earlier episode', {}, opened({ episode: 2 }), null],
    ['cured, and heard long before it ended', {}, opened({ heardAt: 7999 }), null],
    ['cured, and it fires on', {}, { kind: 'reopened', episode: 2, heardAt: 10_200 }, uncured],
    ['cured, and it fires on after its window', {}, { kind: 'reopened', episode: 2, heardAt: 10_501 }, null],
    ['cured, and another episode fires on', {}, { kind: 'reopened', episode: 3, heardAt: 10_200 }, null],
    ['unconfirmed, and it fires on', { state: 'unconfirmed' }, { kind: 'reopened', episode: 2, heardAt: 10_200 }, null],
    ['failed, and a new episode', { state: 'failed' }, opened(), null],
    ['succeeded without a verify', { steps: [] }, opened({ startsAt: 10_000 }), null],
    [
      'succeeded with a verify before its last step',
      { steps: [verify, newStep('more', { type: 'exec', state: 'done', startedAt: 101, finishedAt: 102 })] },
      opened(),
      null,
    ],
    [
      'cured, with the longest of its windows',
      { steps: [{ ...verify, id: 'a', window: 100 }, verify, { ...verify, id: 'b', window: null }] },
      opened({ startsAt: 10_500 }),
      uncured,
    ],
    [
      'cured without a window, in the very moment',
      { steps: [{ ...verify, window: null }] },
      opened({ startsAt: 10_000 }),
      uncured,
    ],
    [
      'cured without a window, a moment later',
      { steps: [{ ...verify, window: null }] },
      opened({ startsAt: 10_001 }),
      null,
    ],
    ['cured, of no episode, and a new one', { episode: null }, opened(), null],
    [
      'unconfirmed for a reason, and resolved later',
      { state: 'unconfirmed', because: 'no news in time' },
      resolve(),
      later('unconfirmed'),
    ],
    ['of another alert', { state: 'unconfirmed', alert: 'alt_2' }, resolve(), null],
    ['cured, and closed', {}, { kind: 'closed' }, null],
    ['unconfirmed, and closed', { state: 'unconfirmed' }, { kind: 'closed' }, null],
    ['unconfirmed, and news', { state: 'unconfirmed' }, news, null],
  ])('%s', async (_, facts, change, outcome) => {
    expect(await amended(facts, change)).toEqual(outcome);
  });

  it('is amended once, when several nodes hear of it in the same moment', async () => {
    place = await createPlace();
    await putRun(place.store, ended());
    await putRun(place.store, ended({ id: 'run_2', state: 'unconfirmed' }));
    const nodes = [place.node, place.another(), place.another()];
    await Promise.all(nodes.map(node => settleRuns({ ...firing, episode: 9 }, opened(), node)));
    await Promise.all(nodes.map(node => settleRuns(firing, resolve(), node)));
    // The first did not hold, and then it was resolved all the same.
    expect((await place.facts('run.amended')).map(one => one.run).sort()).toEqual(['run_1', 'run_1', 'run_2']);
  });

  it('and amended once stays so, whatever it says besides', async () => {
    place = await createPlace();
    await putRun(place.store, ended({ state: 'unconfirmed', because: 'resolved later, as a person wrote' }));
    await settleRuns(firing, resolve(), place.node);
    expect(await place.facts('run.amended')).toEqual([]);
  });

  it('is left as it is while another is live', async () => {
    place = await createPlace();
    await putRun(place.store, run({ id: 'run_live', state: 'running', startedAt: 1 }));
    await settleRuns(firing, resolve(), place.node);
    expect(await place.facts('run.amended')).toEqual([]);
  });
});
