import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { system } from '../../../src/model/actor.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { IncomingAlert, IncomingEvent } from '../../../src/model/event.ts';
import { foldRun } from '../../../src/model/fold.ts';
import type { Entry, Fact } from '../../../src/model/journal.ts';
import { foldOriginFact } from '../../../src/model/muted.ts';
import type { Run } from '../../../src/model/run.ts';
import type { Rule } from '../../../src/ports/catalogue.ts';
import type { Runbook } from '../../../src/ports/runbook.ts';
import type { Change, Store } from '../../../src/ports/store.ts';
import { sampleIncoming } from '../../contracts/samples.ts';
import {
  askOf,
  createPlace,
  deliveryOf,
  type FlowPlace,
  listSource,
  person,
  ruleOf,
  runbookOf,
  until,
} from '../place.ts';

let place: FlowPlace;
afterEach(() => place.close());

const hour = 3_600_000;
const free = ruleOf();
const asks = ruleOf({ decide: 'approve', ask: askOf('sre') });

async function open(rules: readonly Rule[] = [free], runbooks: readonly Runbook[] = [runbookOf('mend')]) {
  place = await createPlace({ rules, runbooks });
}

async function deliver(facts: Partial<IncomingAlert> = {}): Promise<Alert> {
  const at = place.clock.now();
  const body = sampleIncoming({ startsAt: 1000, occurredAt: at, labels: { host: 'web-1' }, ...facts });
  const [taken] = await place.node.intake.receive('am', deliveryOf([body], at));
  return (await place.store.alert(taken?.alert ?? '')) as Alert;
}
const resolve = (facts: Partial<IncomingAlert> = {}) =>
  deliver({ state: 'resolved', endsAt: place.clock.now(), ...facts });
/** A resolve that only says that nothing more was heard: people may still decide on what was asked. */
const expire = async () => {
  const at = place.clock.now();
  const body = sampleIncoming({ startsAt: 1000, occurredAt: at, state: 'resolved', endsAt: at });
  const how = new Map([['f1', { how: 'expired', because: null } as const]]);
  await place.node.intake.emit('am', [body], `expiry ${at}`, how);
};
const runs = () => place.store.runs({});
const states = async () => (await runs()).map(run => [run.runbook, run.episode, run.state]);
const append = (run: Run, fact: Fact) => place.node.streams.run(run.id, system, () => ({ facts: [fact] }));
const started = (run: Run) => append(run, { kind: 'run.started', run: run.id, token: 1 });
const finished = (run: Run, state: 'succeeded' | 'failed' | 'cancelled' | 'denied') =>
  append(run, { kind: 'run.finished', run: run.id, state, because: null });

/** What is journalled beside events, as what it is about and what it says. */
async function outcomes(): Promise<string[]> {
  const entries = await place.store.journal({ after: 0, limit: 1000 });
  const told = ({ fact }: Entry) =>
    fact.kind === 'run.created'
      ? [`${fact.run.runbook} ${fact.run.decision.verdict}`]
      : fact.kind === 'decision.made'
        ? [`${fact.runbook} ${fact.verdict}: ${fact.rule}`]
        : [];
  return entries.flatMap(told);
}

describe('between the acceptance of an event and its consideration', () => {
  /** The event is accepted, something happens, and then the pipeline comes to it. */
  async function meanwhile(happens: (alert: Alert) => Promise<unknown>) {
    await happens(await deliver());
    const caughtUp = await place.node.pipeline();
    await caughtUp();
    return await outcomes();
  }
  const silence = (alert: Alert, duration = hour) =>
    place.node.act(person('carl'), { kind: 'silence', alert: alert.id, duration });
  const mute = async (alert: Alert, until: number | null) => {
    const fact = { kind: 'alert.muted', alert: alert.id, by: 'a silence there', until } as const;
    const at = place.clock.now();
    await place.store.commit({
      entries: [{ stream: `alert/${alert.id}`, actor: system, at, fact }],
      rows: [{ table: 'alert', doc: foldOriginFact(alert, fact, at) }],
    });
  };

  it('nothing happened: its run begins', async () => {
    await open();
    expect(await meanwhile(async () => {})).toEqual(['mend auto']);
    expect(place.node.woken).toEqual([{ run: (await runs())[0]?.id }]);
  });

  it('a silence: nothing begins', async () => {
    await open();
    expect(await meanwhile(silence)).toEqual([]);
  });

  it.each([
    [-1, []],
    [0, ['mend auto']],
  ])('a silence that is over, but for %s ms', async (more, expected) => {
    await open();
    const outcome = await meanwhile(async alert => {
      await silence(alert, 1000);
      await place.clock.advance(1000 + more);
    });
    expect(outcome).toEqual(expected);
  });

  it.each<[string, number | null, string[]]>([
    ['without an end', null, []],
    ['that goes on', 1, []],
    ['that is just over', 0, ['mend auto']],
  ])('a silence at its origin %s', async (_, until, expected) => {
    await open();
    expect(await meanwhile(alert => mute(alert, until === null ? null : place.clock.now() + until))).toEqual(expected);
  });

  it('its resolve: nothing begins', async () => {
    await open();
    expect(await meanwhile(() => resolve())).toEqual([]);
  });

  it('a newer episode: that one begins alone', async () => {
    await open();
    await meanwhile(() => deliver({ startsAt: 2000, stretch: 'startsAt' }));
    expect(await states()).toEqual([['mend', 2, 'queued']]);
  });
});

describe('while it is being decided', () => {
  /** Does something just before each of the first commits of a decision. */
  function justBefore(times: number, happens: () => Promise<unknown>): Store {
    let left = times;
    return {
      ...place.store,
      async commit(change: Change) {
        const decides = change.entries?.some(({ fact }) => ['run.created', 'decision.made'].includes(fact.kind));
        if (decides && left-- > 0) await happens();
        return await place.store.commit(change);
      },
    };
  }
  const consider = async (store: Store) => {
    await deliver();
    const node = place.another(store);
    await (await node.pipeline())();
    return await outcomes();
  };

  it('news that ends nothing is decided on again', async () => {
    await open();
    expect(await consider(justBefore(3, () => deliver()))).toEqual(['mend auto']);
  });

  it('the same at every try: after eight it is committed all the same', async () => {
    await open();
    let news = 0;
    const store = justBefore(100, async () => {
      news++;
      await deliver();
    });
    expect(await consider(store)).toEqual(['mend auto']);
    expect(news).toBe(9);
  });

  it('its resolve: nothing begins', async () => {
    await open();
    expect(await consider(justBefore(1, () => resolve()))).toEqual([]);
  });

  it('another node that decides it too: one run', async () => {
    await open();
    const other = place.another();
    let done = false;
    const store = justBefore(1, async () => {
      done = true;
      await (await other.pipeline())();
    });
    expect(await consider(store)).toEqual(['mend auto']);
    expect(done).toBe(true);
    expect(await states()).toEqual([['mend', 1, 'queued']]);
  });

  it('a refusal that is about something else: the event is considered again', async () => {
    await open();
    await deliver();
    const errors = [new TocsinError('guard-failed', { at: 'lease duty/road' }), new TocsinError('store-failed')];
    const store: Store = {
      ...place.store,
      async commit(change) {
        const error = change.entries?.some(({ fact }) => fact.kind === 'run.created') ? errors.shift() : undefined;
        if (error !== undefined) throw error;
        return await place.store.commit(change);
      },
    };
    const node = place.another(store);
    await expect((await node.pipeline())()).rejects.toThrow('will try again');
    await until(async () => {
      await place.clock.advance(1000);
      return (await outcomes()).length > 0;
    });
    expect([await outcomes(), errors]).toEqual([['mend auto'], []]);
  });
});

describe('an event', () => {
  it('considered again after a restart starts nothing again', async () => {
    await open([free], [runbookOf('a'), runbookOf('b')]);
    await deliver();
    await (await place.node.pipeline())();
    const again = place.another();
    await (await again.pipeline())();
    expect(await outcomes()).toEqual(['a auto', 'b auto']);
    expect(again.woken).toEqual([]);
  });

  it('saves how far it was considered every 512 entries', async () => {
    await open([free], []);
    const caughtUp = await place.node.pipeline();
    const many = async (count: number, from: number) => {
      const events = Array.from({ length: count }, (_, n) => sampleIncoming({ fingerprint: `m${from + n}` }));
      await place.node.intake.receive('am', deliveryOf(events, place.clock.now()));
      await caughtUp();
    };
    await many(511, 0);
    expect(await place.store.cursor('road')).toBe(0);
    await many(1, 511);
    expect(await place.store.cursor('road')).toBe(512);
    await many(511, 512);
    expect(await place.store.cursor('road')).toBe(512);
    await many(1, 1023);
    expect(await place.store.cursor('road')).toBe(1024);
  });

  it('that repeats what is known, and one of a source that nothing is bound to, decide nothing', async () => {
    await open([free], [runbookOf('mend', { triggers: [] })]);
    const caughtUp = await place.node.pipeline();
    await deliver();
    await caughtUp();
    place.set.runbooks.set('mend', runbookOf('mend'));
    place.set.digest = 'two';
    await deliver();
    await caughtUp();
    expect(await outcomes()).toEqual([]);
    // The files are those of now, whatever they were when the pipeline began.
    await deliver({ fingerprint: 'f2' });
    await caughtUp();
    expect(await outcomes()).toEqual(['mend auto']);
  });

  it('without an alert, and one of a schedule, are decided once each', async () => {
    const trigger = {
      source: 'am',
      kind: 'tick',
      match: [],
      where: null,
      whereText: null,
      params: () => ({}),
    } as const;
    await open([free], [runbookOf('nightly', { triggers: [trigger] })]);
    const tick = (at: number): IncomingEvent => ({
      kind: 'tick',
      title: 'nightly',
      labels: {},
      links: [],
      occurredAt: at,
      schedule: 's',
      at,
    });
    await place.node.intake.emit('am', [tick(1)], 'one');
    await place.node.intake.emit('am', [tick(2)], 'two');
    await (await place.node.pipeline())();
    await (await place.another().pipeline())();
    const all = await runs();
    expect(all.map(run => [run.trigger, run.alert, run.episode, run.requestedBy])).toEqual(
      Array(2).fill(['schedule', null, null, 'source:am']),
    );
    expect(new Set(all.map(run => run.event)).size).toBe(2);
  });

  it('whose parameters cannot be made is denied with the reason, once', async () => {
    const broken = runbookOf('mend', {
      params: {
        parse: () => {
          throw new TocsinError('params-invalid', { message: 'host is missing' });
        },
      },
    });
    await open([free], [broken]);
    const alert = await deliver();
    await (await place.node.pipeline())();
    await (await place.another().pipeline())();
    const [{ event = '' } = {}] = (await place.facts('event.accepted')).map(fact => ({ event: fact.event.id }));
    expect(await place.facts('decision.made')).toEqual([
      {
        kind: 'decision.made',
        event,
        alert: alert.id,
        episode: 1,
        runbook: 'mend',
        params: {},
        targets: [],
        verdict: 'deny',
        rule: 'parameters',
        because: 'its parameters could not be made of the event: host is missing',
      },
    ]);
  });

  it.each(['notify', 'deny'] as const)('that policy answers with %s makes no run, and says why', async verdict => {
    await open([ruleOf({ name: 'r', decide: verdict })]);
    const alert = await deliver();
    await (await place.node.pipeline())();
    expect(await place.facts('decision.made')).toMatchObject([
      {
        alert: alert.id,
        episode: 1,
        runbook: 'mend',
        params: { host: 'web-1' },
        targets: ['web-1'],
        verdict,
        rule: 'r',
        because: 'rule "r" always holds',
      },
    ]);
    expect([await runs(), place.node.woken]).toEqual([[], []]);
    expect(place.node.counted).toContainEqual({ name: 'tocsin_decisions_total', labels: { verdict } });
  });

  it('that asks for a plan which somebody asked for already is not asked about again, and says so', async () => {
    await open([asks]);
    const alert = await deliver();
    const act = { kind: 'run', runbook: 'mend', params: { host: 'web-1' }, alert: alert.id, reason: null } as const;
    expect(await place.node.act(person('rita'), act)).toMatchObject({ ok: true });
    expect(await place.node.act(person('bob'), act)).toMatchObject({ ok: false, status: 409 });
    await (await place.node.pipeline())();
    expect(await outcomes()).toEqual(['mend approve', 'mend deny: one open plan']);
    const because = 'the same plan waits for an approval for this alert already, which somebody asked for by hand';
    expect((await place.facts('decision.made'))[0]?.because).toBe(because);
  });
});

describe('a newer episode', () => {
  const next = (at: number, facts: Partial<IncomingAlert> = {}) =>
    deliver({ startsAt: at, stretch: 'startsAt', ...facts });

  it('waits for the run of an earlier one that works on one of the same targets, and for no other', async () => {
    await open([free], [runbookOf('mend'), runbookOf('other')]);
    const caughtUp = await place.node.pipeline();
    await next(1000);
    await caughtUp();
    const [mend] = (await runs()).filter(run => run.runbook === 'mend');
    if (mend === undefined) throw new Error('nothing began');
    await started(mend);
    await next(2000);
    await caughtUp();
    const second = (await runs()).filter(run => run.episode === 2);
    expect(second.map(run => [run.runbook, run.after]).sort()).toEqual([
      ['mend', mend.id],
      ['other', null],
    ]);
    // On another target nothing has to wait; when the first is over neither does the same one.
    await next(3000, { labels: { host: 'web-2' } });
    await caughtUp();
    expect((await runs()).find(run => run.episode === 3 && run.runbook === 'mend')?.after).toBeNull();
    await finished(mend, 'succeeded');
    await next(4000);
    await caughtUp();
    expect((await runs()).find(run => run.episode === 4 && run.runbook === 'mend')?.after).toBeNull();
  });

  it('waits for one without targets whatever its own are', async () => {
    await open();
    const caughtUp = await place.node.pipeline();
    await next(1000, { labels: {} });
    await caughtUp();
    const [first] = await runs();
    if (first === undefined) throw new Error('nothing began');
    await started(first);
    await next(2000);
    await caughtUp();
    expect((await runs()).find(run => run.episode === 2)?.after).toBe(first.id);
  });
});

describe('an alert that is reopened', () => {
  /** It fires, is over, fires again and does not stop. */
  async function reopened(between: () => Promise<unknown>, end: () => Promise<unknown> = resolve) {
    const caughtUp = await place.node.pipeline();
    await deliver();
    await caughtUp();
    await between();
    await place.clock.advance(1000);
    await end();
    await caughtUp();
    await deliver();
    await caughtUp();
    await place.clock.advance(15_000);
    await until(async () => (await place.facts('alert.reopened')).length > 0);
    await caughtUp();
    expect(await place.facts('alert.reopened')).toHaveLength(1);
  }
  const first = async () => (await runs()).at(-1) as Run;

  it('asks people, and starts nothing by itself, where the resolve kept a run from beginning', async () => {
    await open();
    await reopened(async () => {});
    expect(await outcomes()).toEqual(['mend auto', 'mend approve']);
    expect((await runs()).map(run => run.state).sort()).toEqual(['cancelled', 'waiting']);
  });

  it('is asked anew, where the resolve voided what was asked', async () => {
    await open([asks]);
    await reopened(async () => {});
    expect(await outcomes()).toEqual(['mend approve', 'mend approve']);
    expect((await place.store.approvals({})).map(one => one.state).sort()).toEqual(['open', 'void']);
  });

  it.each<[string, (run: Run) => Promise<unknown>]>([
    ['works', run => started(run)],
    ['was released and waits for a worker', async () => {}],
    ['worked, and succeeded', async run => [await started(run), await finished(run, 'succeeded')]],
    ['worked, and failed', async run => [await started(run), await finished(run, 'failed')]],
    ['worked, and was cancelled', async run => [await started(run), await finished(run, 'cancelled')]],
  ])('is left alone, and nothing is said, where its run %s', async (_, between) => {
    await open();
    await reopened(async () => between(await first()), expire);
    expect(await outcomes()).toEqual(['mend auto']);
  });

  it('is left alone where people are still asked, because its end was no cure', async () => {
    await open([asks]);
    await reopened(async () => {}, expire);
    expect(await outcomes()).toEqual(['mend approve']);
    expect((await place.store.approvals({})).map(one => one.state)).toEqual(['open']);
  });

  it('is left alone while another run of the same runbook is live for it, although the newest one was voided', async () => {
    await open([asks]);
    const alert = await deliver();
    const act = { kind: 'run', runbook: 'mend', params: { host: 'web-2' }, alert: alert.id, reason: null } as const;
    await place.node.act(person('rita'), act);
    await place.clock.advance(1);
    await reopened(async () => {});
    expect((await runs()).map(run => [run.trigger, run.state])).toEqual([
      ['event', 'cancelled'],
      ['manual', 'waiting'],
    ]);
    expect(await outcomes()).toEqual(['mend approve', 'mend approve']);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'denied it',
      async () =>
        place.node.act(person('alice'), {
          kind: 'vote',
          approval: (await place.store.approvals({}))[0]?.id ?? '',
          vote: 'deny',
          reason: null,
          seal: null,
        }),
    ],
    [
      'cancelled it',
      async () => place.node.act(person('carl'), { kind: 'cancel', run: (await first()).id, reason: null }),
    ],
  ])('is left alone where people %s before it began', async (_, decide) => {
    await open([asks]);
    await reopened(decide);
    expect(await outcomes()).toEqual(['mend approve']);
  });

  it('is decided where it never was', async () => {
    await open([free], []);
    await reopened(async () => {
      place.set.runbooks.set('mend', runbookOf('mend'));
      place.set.digest = 'two';
    });
    expect(await outcomes()).toEqual(['mend approve']);
  });

  it('is not decided again where it was denied', async () => {
    await open([ruleOf({ decide: 'deny' })]);
    await reopened(async () => {
      place.set.policy = { rules: [free] };
    });
    expect(await outcomes()).toEqual(['mend deny: rule']);
  });

  it('of an earlier episode is not about the runs of this one', async () => {
    await open();
    const caughtUp = await place.node.pipeline();
    await deliver({ startsAt: 500 });
    await caughtUp();
    const run = await first();
    await started(run);
    await finished(run, 'succeeded');
    await resolve({ startsAt: 500 });
    await caughtUp();
    const runbooks = new Map(place.set.runbooks);
    place.set.runbooks.clear();
    place.set.digest = 'none';
    await place.clock.advance(60_000);
    const startsAt = place.clock.now();
    await deliver({ startsAt });
    await caughtUp();
    for (const [id, one] of runbooks) place.set.runbooks.set(id, one);
    place.set.digest = 'again';
    await place.clock.advance(1000);
    await resolve({ startsAt });
    await deliver({ startsAt });
    await caughtUp();
    await place.clock.advance(15_000);
    await until(async () => (await runs()).length === 2);
    expect((await states()).sort()).toEqual([
      ['mend', 1, 'succeeded'],
      ['mend', 2, 'waiting'],
    ]);
  });

  it('in the journal of an older build, which knew no quiet time, is decided at once', async () => {
    await open();
    const caughtUp = await place.node.pipeline();
    const alert = await deliver();
    await caughtUp();
    await resolve();
    await caughtUp();
    const [{ event } = { event: null }] = await place.facts('event.accepted');
    if (event === null) throw new Error('nothing was taken');
    const known = (await place.store.alert(alert.id)) as Alert;
    await place.store.commit({
      entries: [
        {
          stream: `alert/${alert.id}`,
          actor: { kind: 'source', id: 'am' },
          at: place.clock.now(),
          fact: {
            kind: 'event.accepted',
            event: { ...event, id: 'evt_old' },
            effect: 'reopened',
            alert: alert.id,
            episode: 1,
          },
        },
      ],
      rows: [{ table: 'alert', doc: { ...known, state: 'firing', version: known.version + 1 } }],
    });
    await caughtUp();
    expect(await outcomes()).toEqual(['mend auto', 'mend approve']);
  });
});

it('news of an alert is handled in order, and wakes the runs that have begun', async () => {
  await open();
  place.set.sources.set('am', { name: 'am', driver: listSource(), options: {} });
  const caughtUp = await place.node.pipeline();
  await deliver();
  await caughtUp();
  const [run] = await runs();
  if (run === undefined) throw new Error('nothing began');
  expect(foldRun(null, { kind: 'run.created', run }, 1).version).toBe(1);
  await started(run);
  place.node.woken.length = 0;
  await deliver();
  await caughtUp();
  expect(place.node.woken).toEqual([{ run: run.id }]);
});
