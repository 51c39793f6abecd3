import { describe, expect, it } from 'vitest';
import {
  type Alert,
  alert as alertDocument,
  alertEnd,
  alertState,
  awaitsFirst,
  type Effect,
  type EffectMore,
  effectOf,
  effect as effects,
  foldAlert,
  isLaterStretch,
  isUnseen,
  toldEnd,
} from '../../src/model/alert.ts';
import type { IncomingAlert } from '../../src/model/event.ts';
import { sampleAlert, sampleEvent, sampleIncoming } from '../contracts/samples.ts';

/** One millisecond of difference decides here, so all times are small numbers. The known stretch began at 100. */
const at = (state: IncomingAlert['state'], startsAt: number, more: Partial<IncomingAlert> = {}): IncomingAlert =>
  sampleIncoming({ state, startsAt, occurredAt: startsAt, endsAt: state === 'resolved' ? startsAt : null, ...more });
const firing: Alert = sampleAlert({ startsAt: 100, lastFiring: 100, firstSeen: 100, lastSeen: 100 });
const silenced: Alert = { ...firing, state: 'silenced', silencedUntil: 999 };
const resolved: Alert = { ...firing, state: 'resolved', resolvedAt: 200, end: { how: 'told', because: null } };
const announced: Alert = { ...firing, count: 0, acknowledgedBy: 'am' };
const named = { stretch: 'startsAt' } as const;

describe('the effect of news', () => {
  it.each<[string, Alert | null, IncomingAlert, Effect]>([
    ['the first firing', null, at('firing', 100), 'opened'],
    ['the first resolve', null, at('resolved', 100), 'unseen'],
    ['the first acknowledgement', null, at('acknowledged', 100), 'acknowledged'],
    ['the first withdrawal of one', null, at('unacknowledged', 100), 'unacknowledged'],
    ['a firing while it fires', firing, at('firing', 100), 'refreshed'],
    ['a firing while it is silenced', silenced, at('firing', 100), 'refreshed'],
    ['a later firing while it fires', firing, at('firing', 101), 'refreshed'],
    ['an earlier firing while it fires', firing, at('firing', 99), 'refreshed'],
    ['a later stretch while it fires', firing, at('firing', 101, named), 'opened'],
    ['the same stretch while it fires', firing, at('firing', 100, named), 'refreshed'],
    ['an acknowledgement while it fires', firing, at('acknowledged', 100), 'acknowledged'],
    ['a withdrawal while it is silenced', silenced, at('unacknowledged', 100), 'unacknowledged'],
    ['an acknowledgement of a later stretch', firing, at('acknowledged', 101, named), 'stale'],
    ['an acknowledgement of this stretch by name', firing, at('acknowledged', 100, named), 'acknowledged'],
    ['an acknowledgement of what is over', resolved, at('acknowledged', 100), 'stale'],
    ['a withdrawal for what is over', resolved, at('unacknowledged', 100), 'stale'],
    ['a resolve while it fires', firing, at('resolved', 100, { occurredAt: 150 }), 'resolved'],
    ['a resolve while it is silenced', silenced, at('resolved', 100, { occurredAt: 150 }), 'resolved'],
    ['a resolve of an earlier stretch', firing, at('resolved', 99, { occurredAt: 99 }), 'stale'],
    [
      'a resolve of an earlier start, told when this one began',
      firing,
      at('resolved', 99, { occurredAt: 100 }),
      'resolved',
    ],
    ['a resolve of this start, made before it', firing, at('resolved', 100, { occurredAt: 99 }), 'resolved'],
    ['a second resolve', resolved, at('resolved', 100), 'stale'],
    ['a resolve of a later stretch', resolved, at('resolved', 101, named), 'unseen'],
    ['a resolve of a later start that names no stretch', resolved, at('resolved', 101), 'stale'],
    ['a firing of before', resolved, at('firing', 99), 'stale'],
    ['the same firing after its resolve', resolved, at('firing', 100), 'reopened'],
    ['the same stretch after its resolve', resolved, at('firing', 100, named), 'reopened'],
    ['a later stretch after its resolve', resolved, at('firing', 101, named), 'opened'],
    ['a firing that began before the resolve', resolved, at('firing', 199), 'reopened'],
    ['a firing that began in the very millisecond of the resolve', resolved, at('firing', 200), 'opened'],
    ['a firing that began after it', resolved, at('firing', 201), 'opened'],
    [
      'a firing in the millisecond in which it began and ended',
      { ...resolved, resolvedAt: 100 },
      at('firing', 100),
      'reopened',
    ],
    ['a firing one later', { ...resolved, resolvedAt: 100 }, at('firing', 101), 'opened'],
    ['a firing after an end of unknown time', { ...resolved, resolvedAt: null }, at('firing', 101), 'opened'],
    ['the firing that an acknowledgement overtook', announced, at('firing', 100), 'opened'],
    ['an earlier firing after an acknowledgement', announced, at('firing', 99), 'opened'],
    ['a resolve after nothing but an acknowledgement', announced, at('resolved', 100), 'resolved'],
  ])('%s', (_, known, news, effect) => {
    expect(effectOf(known, news)).toBe(effect);
  });

  it.each<[string, Alert, IncomingAlert, Effect]>([
    ['older than the newest', { ...firing, newsAt: 50 }, at('resolved', 100, { newsAt: 49 }), 'stale'],
    ['as old as the newest', { ...firing, newsAt: 50 }, at('resolved', 100, { newsAt: 50 }), 'resolved'],
    ['without a date', { ...firing, newsAt: 50 }, at('resolved', 100), 'resolved'],
    ['dated, after some without', firing, at('resolved', 100, { newsAt: 1 }), 'resolved'],
    ['of a later stretch and older', { ...firing, newsAt: 50 }, at('firing', 101, { ...named, newsAt: 49 }), 'stale'],
    ['the firing that was overtaken', { ...announced, newsAt: 50 }, at('firing', 100, { newsAt: 49 }), 'opened'],
    [
      'a firing of before the one that was overtaken',
      { ...announced, newsAt: 50 },
      at('firing', 99, { newsAt: 49 }),
      'stale',
    ],
    [
      'an acknowledgement that was overtaken by one',
      { ...announced, newsAt: 50 },
      at('acknowledged', 100, { newsAt: 49 }),
      'stale',
    ],
  ])('that is dated: %s', (_, known, news, effect) => {
    expect(effectOf(known, news)).toBe(effect);
  });

  it('is told by a few plain facts', () => {
    expect([awaitsFirst(announced), awaitsFirst(firing), awaitsFirst({ ...announced, state: 'resolved' })]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isUnseen({ ...resolved, count: 0 }), isUnseen(resolved), isUnseen(announced)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(isLaterStretch(at('firing', 101), firing)).toBe(false);
    expect(toldEnd(at('resolved', 1))).toEqual({ how: 'told', because: null });
    expect(toldEnd(at('resolved', 1, { mergedInto: { name: 'Q2' } }))).toEqual({
      how: 'merged',
      because: 'merged into Q2',
    });
    const paused = 'its rule was paused';
    expect(toldEnd(at('resolved', 1, { noCure: paused }))).toEqual({ how: 'expired', because: paused });
  });
});

describe('the alert after news', () => {
  const told = { how: 'told', because: null } as const;
  /** What was known, with everything in it that news may change or has to keep. */
  const known: Alert = {
    ...firing,
    id: 'alt_7',
    version: 4,
    episode: 3,
    count: 5,
    acknowledgedBy: 'alice',
    acknowledgedUntil: 900,
    silencedUntil: 800,
    silencedBy: 'bob',
    silencedAtOrigin: { by: 'there', until: 5 },
    quietSince: 120,
    newsAt: 60,
    title: 'Old',
  };
  const fold = (before: Alert | null, body: IncomingAlert, effect: Effect, more: EffectMore = {}, receivedAt = 300) =>
    foldAlert(before, sampleEvent(body, { receivedAt, trusted: false, source: 'am' }), effect, 'alt_new', more);
  const body = (over: Partial<IncomingAlert> = {}) =>
    at('firing', 150, {
      title: 'New',
      severity: 'critical',
      labels: { a: 'b' },
      annotations: { c: 'd' },
      links: [],
      ...over,
    });
  const news = {
    title: 'New',
    severity: 'critical',
    labels: { a: 'b' },
    annotations: { c: 'd' },
    links: [],
    trusted: false,
  };
  const heard = { version: 5, lastSeen: 300, quietSince: null };
  const own = { acknowledgedBy: null, acknowledgedUntil: null };
  const loud = { silencedUntil: null, silencedBy: null };

  it('a new one', () => {
    expect(fold(null, body(), 'opened')).toEqual({
      id: 'alt_new',
      source: 'am',
      fingerprint: 'f1',
      ...news,
      state: 'firing',
      episode: 1,
      count: 1,
      firstSeen: 300,
      lastSeen: 300,
      lastFiring: 300,
      startsAt: 150,
      resolvedAt: null,
      end: null,
      reopenedAt: null,
      newsAt: null,
      ...own,
      ...loud,
      silencedAtOrigin: null,
      quietSince: null,
      version: 1,
    });
  });

  it('stale news is counted as heard and changes nothing else; a resolve also says when its firing began', () => {
    expect(fold(known, body({ newsAt: 70 }), 'stale')).toEqual({ ...known, version: 5, lastSeen: 300 });
    expect(fold(known, body(), 'stale', {}, 50).lastSeen).toBe(100);
    expect(fold(known, body({ state: 'resolved' }), 'stale').startsAt).toBe(150);
    expect(fold(known, body({ state: 'resolved', startsAt: 50 }), 'stale').startsAt).toBe(100);
  });

  it('acknowledged, by whom it says, else by its source, and by the first who did', () => {
    const free = { ...known, ...own };
    expect(fold(free, body({ by: 'carl', newsAt: 70 }), 'acknowledged')).toEqual({
      ...free,
      ...heard,
      newsAt: 70,
      acknowledgedBy: 'carl',
    });
    expect(fold(free, body(), 'acknowledged').acknowledgedBy).toBe('am');
    expect(fold(known, body({ by: 'carl' }), 'acknowledged')).toEqual({ ...known, ...heard });
    expect(fold(known, body({ newsAt: 70 }), 'unacknowledged')).toEqual({ ...known, ...heard, newsAt: 70, ...own });
    expect(fold(known, body({ newsAt: 10 }), 'unacknowledged').newsAt).toBe(60);
    expect(fold({ ...known, newsAt: null }, body({ newsAt: 10 }), 'unacknowledged').newsAt).toBe(10);
  });

  it('refreshed: counted, and its facts are those of the news unless it is of an older start', () => {
    expect(fold(known, body(), 'refreshed')).toEqual({
      ...known,
      ...news,
      ...heard,
      startsAt: 150,
      count: 6,
      lastFiring: 300,
    });
    expect(fold(known, body(named), 'refreshed').startsAt).toBe(100);
    const older = fold(known, body({ startsAt: 99, newsAt: 70 }), 'refreshed');
    expect(older).toEqual({ ...known, ...heard, newsAt: 70, count: 6, lastFiring: 300 });
    expect(fold(known, body({ startsAt: 100 }), 'refreshed').title).toBe('New');
    expect(fold(known, body({ acknowledged: false }), 'refreshed')).toMatchObject(own);
    expect(fold(known, body(), 'refreshed', {}, 50).lastFiring).toBe(100);
  });

  it('opened: the next episode, of which nothing is known yet', () => {
    expect(fold({ ...known, resolvedAt: 140, end: told, reopenedAt: 145 }, body(), 'opened')).toEqual({
      ...known,
      ...news,
      ...heard,
      ...own,
      ...loud,
      silencedAtOrigin: null,
      episode: 4,
      count: 1,
      firstSeen: 300,
      lastFiring: 300,
      startsAt: 150,
    });
    expect(fold(known, body(), 'opened', {}, 50)).toMatchObject({ lastFiring: 100, firstSeen: 50 });
  });

  it('an acknowledgement that comes first: one that fires, and was not heard firing', () => {
    expect(fold(null, body({ by: 'carl' }), 'acknowledged')).toMatchObject({
      state: 'firing',
      count: 0,
      episode: 1,
      lastFiring: 0,
      acknowledgedBy: 'carl',
    });
    // The firing that it announced may have begun earlier.
    expect(fold({ ...known, count: 0 }, body({ startsAt: 50 }), 'opened')).toMatchObject({
      ...news,
      startsAt: 50,
      count: 1,
    });
  });

  it('opened after its acknowledgement alone: the same episode, and acknowledged', () => {
    const before: Alert = { ...known, count: 0, episode: 1 };
    expect(fold(before, body(), 'opened')).toMatchObject({
      episode: 1,
      count: 1,
      acknowledgedBy: 'alice',
      acknowledgedUntil: 900,
    });
    expect(fold({ ...before, state: 'silenced' }, body(), 'opened')).toMatchObject({ episode: 2, ...own });
  });

  it('unseen: the next episode, over before it was told of', () => {
    const end = body({ state: 'resolved', endsAt: 170, occurredAt: 180 });
    expect(fold({ ...resolved, episode: 3, version: 4 }, end, 'unseen', { end: told })).toMatchObject({
      ...news,
      ...heard,
      episode: 4,
      state: 'resolved',
      count: 0,
      startsAt: 150,
      resolvedAt: 170,
      end: told,
    });
    expect(fold(null, end, 'unseen')).toMatchObject({
      episode: 1,
      state: 'resolved',
      count: 0,
      end: null,
      lastFiring: 0,
    });
  });

  it('reopened: the same episode, for people a quiet time long only where that is said', () => {
    const before: Alert = { ...known, state: 'resolved', resolvedAt: 140, end: told };
    const after = {
      ...before,
      ...news,
      ...heard,
      state: 'firing',
      resolvedAt: null,
      end: null,
      count: 6,
      lastFiring: 300,
    };
    expect(fold(before, body(), 'reopened')).toEqual(after);
    expect(fold(before, body(), 'reopened', { quiet: false })).toEqual(after);
    expect(fold(before, body(), 'reopened', { quiet: true })).toEqual({ ...after, reopenedAt: 300, ...own });
    expect(fold({ ...before, reopenedAt: 250 }, body(), 'reopened', { quiet: true }).reopenedAt).toBe(250);
  });

  it('resolved: over at the time that is told, and nobody silences it any more', () => {
    const end = body({ state: 'resolved', endsAt: 170, occurredAt: 180 });
    expect(fold({ ...known, reopenedAt: 160 }, end, 'resolved', { end: told })).toEqual({
      ...known,
      ...news,
      ...heard,
      ...loud,
      state: 'resolved',
      startsAt: 150,
      resolvedAt: 170,
      end: told,
      reopenedAt: null,
      silencedAtOrigin: null,
      acknowledgedUntil: null,
    });
    expect(fold(known, { ...end, endsAt: null }, 'resolved')).toMatchObject({ resolvedAt: 180, end: null });
  });
});

describe('a document', () => {
  const whole: Alert = {
    ...sampleAlert(),
    end: { how: 'told', because: null },
    silencedAtOrigin: { by: 'x', until: 5 },
  };

  it('is read back as it was written, in every state and after every end', () => {
    const states = ['firing', 'resolved', 'silenced'] as const;
    const ends = ['told', 'expired', 'unwatched', 'merged', 'gone', 'untold', 'closed'] as const;
    expect(alertState.options).toEqual(states);
    for (const state of states)
      for (const how of ends) {
        const one: Alert = { ...whole, state, end: { how, because: 'why' } };
        expect(alertDocument.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
      }
    expect(alertEnd.safeParse({ how: 'else', because: null }).success).toBe(false);
    expect(
      alertDocument.parse({ ...whole, silencedAtOrigin: { by: 'x', until: null } }).silencedAtOrigin?.until,
    ).toBeNull();
    expect(alertDocument.safeParse({ ...whole, silencedAtOrigin: {} }).success).toBe(false);
    expect([1, 7].map(episode => alertDocument.safeParse({ ...whole, episode }).success)).toEqual([true, true]);
    expect(alertDocument.safeParse({ ...whole, episode: 0 }).success).toBe(false);
  });

  it('of an older build is read with what it did not know', () => {
    const added = ['end', 'reopenedAt', 'newsAt', 'acknowledgedUntil', 'silencedBy', 'silencedAtOrigin', 'quietSince'];
    for (const name of Object.keys(whole)) {
      const without = Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name));
      const read = alertDocument.safeParse(without);
      expect(read.success, name).toBe(added.includes(name));
      if (read.success) expect(read.data[name as keyof Alert]).toBeNull();
    }
  });

  it('and the journal know these effects', () => {
    expect(effects.options).toEqual([
      'opened',
      'refreshed',
      'resolved',
      'reopened',
      'stale',
      'acknowledged',
      'unseen',
      'unacknowledged',
    ]);
  });
});
