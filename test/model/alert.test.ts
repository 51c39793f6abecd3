import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Alert, type Effect, effectOf, foldAlert } from '../../src/model/alert.ts';
import type { IncomingAlert } from '../../src/model/event.ts';
import { sampleEvent, sampleIncoming } from '../contracts/samples.ts';

/** What truly happened: stretches of firing, one after the other. The last one may go on. */
interface Stretch {
  starts: number;
  ends: number | null;
}

const minute = 60_000;

/** Stretches with gaps of at least one millisecond between them. */
const history = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 10 * minute }), { minLength: 1, maxLength: 8 }), fc.boolean())
  .map(([lengths, goesOn]) => {
    const stretches: Stretch[] = [];
    let at = 1_000_000;
    for (let n = 0; n < lengths.length; n += 2) {
      const starts = at + (lengths[n] ?? 1);
      const ends = starts + (lengths[n + 1] ?? 1);
      stretches.push({ starts, ends: goesOn && n + 2 >= lengths.length ? null : ends });
      at = ends;
    }
    return stretches;
  });

/** What a sender sends about a history, in its order. */
function newsOf(stretches: readonly Stretch[]): IncomingAlert[] {
  return stretches.flatMap(({ starts, ends }) => {
    const firing = sampleIncoming({ state: 'firing', startsAt: starts, occurredAt: starts });
    return ends === null
      ? [firing]
      : [firing, sampleIncoming({ state: 'resolved', startsAt: starts, occurredAt: ends, endsAt: ends })];
  });
}

interface Told {
  news: IncomingAlert;
  effect: Effect;
  before: Alert | null;
  after: Alert;
}

/** Folds deliveries in the order given, which is not quite the order in which they arrived. */
function deliver(all: readonly IncomingAlert[], start: Alert | null = null): Told[] {
  const told: Told[] = [];
  let known = start;
  for (const [index, news] of all.entries()) {
    const effect = effectOf(known, news);
    const event = sampleEvent(news, { id: `evt_${index}`, receivedAt: 2_000_000 + index * 1000 + (index % 3) * 1500 });
    const after = foldAlert(known, event, effect, 'alt_1');
    told.push({ news, effect, before: known, after });
    known = after;
  }
  return told;
}

const opened = (told: readonly Told[]) => told.filter(one => one.effect === 'opened');
const last = (told: readonly Told[]) => told.at(-1)?.after;

/** Any order, any number of times, and with anything missing. */
const shuffled = history.chain(stretches =>
  fc.array(fc.nat({ max: 2 ** 20 }), { minLength: 1, maxLength: 30 }).map(picks => ({
    stretches,
    news: picks.map(pick => newsOf(stretches)[pick % newsOf(stretches).length] ?? sampleIncoming()),
  })),
);

describe('however deliveries come', () => {
  test('the alert only moves forward', () => {
    fc.assert(
      fc.property(shuffled, ({ news }) => {
        for (const { before, after } of deliver(news)) {
          expect(after.version).toBe((before?.version ?? 0) + 1);
          if (before === null) continue;
          expect(after.episode).toBeGreaterThanOrEqual(before.episode);
          expect(after.episode).toBeLessThanOrEqual(before.episode + 1);
          expect(after.lastSeen).toBeGreaterThanOrEqual(before.lastSeen);
          expect(after.lastFiring).toBeGreaterThanOrEqual(before.lastFiring);
          expect([after.id, after.fingerprint, after.source]).toEqual([before.id, before.fingerprint, before.source]);
        }
      }),
    );
  });

  test('a stretch opens an episode once at most', () => {
    fc.assert(
      fc.property(shuffled, ({ news }) => {
        const starts = opened(deliver(news)).map(one => one.news.startsAt);
        expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
      }),
    );
  });

  test('a firing whose resolve was delivered before never opens an episode', () => {
    fc.assert(
      fc.property(shuffled, ({ news }) => {
        const ended = new Set<number>();
        for (const { news: one, effect } of deliver(news)) {
          if (one.state === 'resolved') ended.add(one.startsAt);
          if (effect === 'opened') expect(ended).not.toContain(one.startsAt);
        }
      }),
    );
  });

  test('a firing that is older than a resolve that was delivered never opens an episode', () => {
    fc.assert(
      fc.property(shuffled, ({ news }) => {
        let resolvedAt = 0;
        for (const { news: one, effect } of deliver(news)) {
          if (one.endsAt !== null) resolvedAt = Math.max(resolvedAt, one.endsAt);
          if (effect === 'opened') expect(one.startsAt).toBeGreaterThanOrEqual(resolvedAt);
        }
      }),
    );
  });

  test('the newest news, when it comes last, decides the state', () => {
    fc.assert(
      fc.property(shuffled, ({ stretches, news }) => {
        const newest = newsOf(stretches).at(-1) ?? sampleIncoming();
        const state = last(deliver([...news, newest]))?.state;
        expect(state).toBe(newest.state);
      }),
    );
  });

  test('the same delivery again, at once, changes nothing but counts and times', () => {
    fc.assert(
      fc.property(shuffled, ({ news }) => {
        const known = last(deliver(news)) ?? null;
        const again = news.at(-1) ?? sampleIncoming();
        const [told] = deliver([again], known);
        expect(again.state === 'firing' ? ['refreshed', 'stale'] : ['stale']).toContain(told?.effect);
        expect(told?.after).toMatchObject({
          episode: known?.episode,
          state: known?.state,
          startsAt: known?.startsAt,
          resolvedAt: known?.resolvedAt,
        });
      }),
    );
  });
});

/** Senders whose start names the stretch, and those that also date their news. */
const named = history.map(stretches => stretches.flatMap(one => newsOf([one]).map(news => stretchNews(news))));
const dated = history.map(stretches => stretches.flatMap(one => datedNews(one)));

function stretchNews(news: IncomingAlert): IncomingAlert {
  return { ...news, stretch: 'startsAt' };
}

/** A stretch as PagerDuty tells it: every word has the time at which it was said, and people acknowledge in between. */
function datedNews({ starts, ends }: Stretch): IncomingAlert[] {
  const [firing = sampleIncoming(), resolved] = newsOf([{ starts, ends }]);
  const said = ends === null ? starts + 1 : starts + Math.floor((ends - starts) / 2);
  const words: IncomingAlert[] = [firing, { ...firing, state: 'acknowledged', occurredAt: said }];
  if (resolved !== undefined) words.push(resolved);
  return words.map(news => ({ ...stretchNews(news), newsAt: news.occurredAt }));
}

/** Any of the news, in any order, any number of times, and with anything missing. */
function anyOf(all: fc.Arbitrary<IncomingAlert[]>) {
  return all.chain(news =>
    fc
      .array(fc.nat({ max: news.length - 1 }), { minLength: 1, maxLength: 30 })
      .map(picks => ({ all: news, news: picks.map(pick => news[pick] ?? sampleIncoming()) })),
  );
}

/** What only counts and times of a delivery are. */
const countsAndTimes = ['version', 'count', 'lastSeen', 'lastFiring', 'quietSince', 'newsAt'] as const;
function without(alert: Alert | null, fields: readonly string[]): unknown {
  return Object.fromEntries(Object.entries(alert ?? {}).filter(([name]) => !fields.includes(name)));
}

describe('where the start names the stretch, however deliveries come', () => {
  test.each([
    ['without a clock', anyOf(named)],
    ['with a clock', anyOf(dated)],
  ])('a later start is a new episode, with or without a resolve before it, and nothing else is: %s', (_, any) => {
    fc.assert(
      fc.property(any, ({ news }) => {
        let latest = 0;
        for (const { news: one, effect, before, after } of deliver(news)) {
          if (one.state === 'firing') expect(effect === 'opened').toBe(one.startsAt > latest);
          else expect(effect).not.toBe('opened');
          if (effect === 'opened' && before !== null && before.count > 0)
            expect(after.episode).toBe(before.episode + 1);
          // What an acknowledgement announces that comes before everything else has not begun, and is the newest all the same.
          if (one.state !== 'acknowledged') latest = Math.max(latest, one.startsAt);
          else if (before === null) latest = one.startsAt - 1;
        }
      }),
    );
  });

  test('an older start while it fires changes nothing but count and times', () => {
    fc.assert(
      fc.property(anyOf(named), ({ news }) => {
        for (const { news: one, effect, before, after } of deliver(news)) {
          if (before === null || before.state === 'resolved' || one.startsAt >= before.startsAt) continue;
          expect(effect).toBe(one.state === 'firing' ? 'refreshed' : 'stale');
          expect(without(after, countsAndTimes)).toEqual(without(before, countsAndTimes));
          expect(after.count).toBe(before.count + (one.state === 'firing' ? 1 : 0));
        }
      }),
    );
  });

  test('with every resolve lost, each stretch still ends: with the beginning of the next', () => {
    fc.assert(
      fc.property(named, news => {
        const firings = news.filter(one => one.state === 'firing');
        const told = deliver(firings);
        expect(told.map(one => [one.effect, one.after.episode])).toEqual(firings.map((_, n) => ['opened', n + 1]));
      }),
    );
  });

  test('the last word about the newest stretch decides', () => {
    fc.assert(
      fc.property(anyOf(named), ({ all, news }) => {
        const newest = all.at(-1) ?? sampleIncoming();
        expect(last(deliver([...news, newest]))).toMatchObject({
          state: newest.state,
          startsAt: newest.startsAt,
          resolvedAt: newest.endsAt,
        });
      }),
    );
  });
});

describe('where news are dated by the sender, however deliveries come', () => {
  test('news older than what is known changes nothing', () => {
    fc.assert(
      fc.property(anyOf(dated), ({ news }) => {
        for (const { news: one, effect, before, after } of deliver(news)) {
          if (before?.newsAt == null || (one.newsAt ?? 0) >= before.newsAt || effect === 'opened') continue;
          expect(effect).toBe('stale');
          expect(without(after, ['version', 'lastSeen'])).toEqual(without(before, ['version', 'lastSeen']));
        }
      }),
    );
  });

  test('the newest news decides, wherever among the others it came', () => {
    fc.assert(
      fc.property(anyOf(dated), fc.nat(), ({ all, news }, at) => {
        const newest = all.findLast(one => one.state !== 'acknowledged') ?? sampleIncoming();
        const place = at % (news.length + 1);
        const end = last(deliver([...news.slice(0, place), newest, ...news.slice(place)]));
        expect(end).toMatchObject({ state: newest.state, startsAt: newest.startsAt, resolvedAt: newest.endsAt });
      }),
    );
  });
});

describe('in order, each as often as one likes', () => {
  const repeated = history.chain(stretches =>
    fc
      .array(fc.integer({ min: 1, max: 4 }), {
        minLength: newsOf(stretches).length,
        maxLength: newsOf(stretches).length,
      })
      .map(times => ({
        stretches,
        times,
        news: newsOf(stretches).flatMap((news, n) => Array<IncomingAlert>(times[n] ?? 1).fill(news)),
      })),
  );

  test('every stretch is an episode, and the last one is the state', () => {
    fc.assert(
      fc.property(repeated, ({ stretches, times, news }) => {
        const told = deliver(news);
        expect(opened(told).map(one => one.news.startsAt)).toEqual(stretches.map(stretch => stretch.starts));
        const end = stretches.at(-1);
        const firings = times[(stretches.length - 1) * 2];
        expect(last(told)).toMatchObject({
          episode: stretches.length,
          state: end?.ends === null ? 'firing' : 'resolved',
          startsAt: end?.starts,
          resolvedAt: end?.ends,
          count: firings,
        });
      }),
    );
  });
});

describe('one by one', () => {
  const at = (state: IncomingAlert['state'], startsAt: number, occurredAt = startsAt) =>
    sampleIncoming({ state, startsAt, occurredAt, endsAt: state === 'resolved' ? occurredAt : null });
  const effects = (...news: IncomingAlert[]) => deliver(news).map(one => one.effect);

  test('fires, fires on, resolves, resolves again', () => {
    expect(effects(at('firing', 10), at('firing', 10, 15), at('resolved', 10, 20), at('resolved', 10, 20))).toEqual([
      'opened',
      'refreshed',
      'resolved',
      'stale',
    ]);
  });

  test('an identical firing after the resolve reopens the same episode: some senders repeat bodies', () => {
    const told = deliver([at('firing', 10), at('resolved', 10, 20), at('firing', 10)]);
    expect(told.map(one => one.effect)).toEqual(['opened', 'resolved', 'reopened']);
    expect(last(told)).toMatchObject({ episode: 1, state: 'firing', resolvedAt: null, count: 2 });
  });

  test('a resolve that comes first leaves nothing to open', () => {
    expect(effects(at('resolved', 10, 20), at('firing', 10), at('resolved', 10, 20))).toEqual([
      'unseen',
      'reopened',
      'resolved',
    ]);
    expect(effects(at('firing', 10), at('resolved', 10, 20), at('resolved', 30, 40), at('firing', 30))).toEqual([
      'opened',
      'resolved',
      'stale',
      'reopened',
    ]);
  });

  test('a late resolve of the stretch before does not end the one that fires', () => {
    expect(effects(at('firing', 10), at('firing', 30), at('resolved', 10, 20))).toEqual([
      'opened',
      'refreshed',
      'stale',
    ]);
  });

  test('an acknowledgement that overtakes its firing does not keep the episode from opening', () => {
    const told = deliver([at('acknowledged', 10, 15), at('firing', 10), at('firing', 10)]);
    expect(told.map(one => one.effect)).toEqual(['acknowledged', 'opened', 'refreshed']);
    expect(last(told)).toMatchObject({ episode: 1, count: 2, acknowledgedBy: 'alertmanager' });
  });

  test('an acknowledgement is kept while the episode lasts, and the next one begins without', () => {
    const told = deliver([
      at('firing', 10),
      at('acknowledged', 10, 12),
      at('firing', 10, 14),
      at('resolved', 10, 20),
      at('acknowledged', 10, 21),
      at('firing', 30),
    ]);
    expect(told.map(one => one.effect)).toEqual(['opened', 'acknowledged', 'refreshed', 'resolved', 'stale', 'opened']);
    expect(told.map(one => one.after.acknowledgedBy)).toEqual([
      null,
      'alertmanager',
      'alertmanager',
      'alertmanager',
      'alertmanager',
      null,
    ]);
  });

  test('an acknowledgement of a later stretch that overtakes its firing is not about the earlier one', () => {
    const dated = (news: IncomingAlert) => ({ ...stretchNews(news), newsAt: news.occurredAt });
    const news = [at('firing', 10), at('acknowledged', 30, 40), at('firing', 30)].map(dated);
    const told = deliver(news);
    expect(told.map(one => one.effect)).toEqual(['opened', 'stale', 'opened']);
    expect(last(told)).toMatchObject({ episode: 2, acknowledgedBy: null });
  });

  test('a silenced alert stays silenced while it fires, and not beyond', () => {
    const [first] = deliver([at('firing', 10)]);
    const silenced: Alert = { ...(first?.after ?? never()), state: 'silenced', silencedUntil: 99 };
    const told = deliver([at('firing', 10), at('resolved', 10, 20), at('firing', 30)], silenced);
    expect(told.map(one => [one.effect, one.after.state, one.after.silencedUntil])).toEqual([
      ['refreshed', 'silenced', 99],
      ['resolved', 'resolved', null],
      ['opened', 'firing', null],
    ]);
  });
});

function never(): never {
  throw new Error('not reached');
}
