import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Actor, system } from '../../src/model/actor.ts';
import { type Alert, effectOf, foldAlert } from '../../src/model/alert.ts';
import { foldAct, lapseOf, lapsesAt } from '../../src/model/alert-acts.ts';
import type { Fact } from '../../src/model/journal.ts';
import { noon, sampleAlert, sampleEvent, sampleIncoming } from '../contracts/samples.ts';

const alice: Actor = { kind: 'person', id: 'alice', via: 'slack', account: null };
const fresh = sampleAlert();
const fold = (known: Alert, ...facts: Fact[]) => facts.reduce((doc, fact) => foldAct(doc, fact, noon, alice), known);
const { id, episode } = fresh;
const hour = 3_600_000;

/** The alert after news of it. */
function hear(known: Alert, over: Parameters<typeof sampleIncoming>[0], more = {}): Alert {
  const body = sampleIncoming({ fingerprint: known.fingerprint, ...over });
  return foldAlert(known, sampleEvent(body, { receivedAt: noon + 60_000 }), effectOf(known, body), id, more);
}

describe('acts fold', () => {
  test('as entries of version 1 did: without a time, a reason and a name', () => {
    expect(fold(fresh, { kind: 'alert.acknowledged', alert: id })).toEqual({
      ...fresh,
      version: fresh.version + 1,
      acknowledgedBy: 'alice',
    });
    expect(fold(fresh, { kind: 'alert.silenced', alert: id, until: noon + hour })).toEqual({
      ...fresh,
      version: fresh.version + 1,
      state: 'silenced',
      silencedUntil: noon + hour,
    });
    expect(fold(fresh, { kind: 'alert.noted', alert: id, text: 'x' })).toEqual({
      ...fresh,
      version: fresh.version + 1,
    });
  });

  test('an acknowledgement with a time, replaced, and taken back', () => {
    const held = fold(fresh, { kind: 'alert.acknowledged', alert: id, until: noon + hour, reason: 'x' });
    expect(held).toMatchObject({ acknowledgedBy: 'alice', acknowledgedUntil: noon + hour });
    expect(fold(held, { kind: 'alert.acknowledged', alert: id }).acknowledgedUntil).toBeNull();
    expect(fold(held, { kind: 'alert.unacknowledged', alert: id })).toEqual({ ...fresh, version: held.version + 1 });
  });

  test('a silence, and its end', () => {
    const held = fold(fresh, { kind: 'alert.silenced', alert: id, until: noon + hour, by: 'alice' });
    expect(held).toMatchObject({ state: 'silenced', silencedBy: 'alice' });
    expect(fold(held, { kind: 'alert.unsilenced', alert: id })).toEqual({ ...fresh, version: held.version + 1 });
  });

  test('a close ends the episode, with who and why; of another episode it ends nothing', () => {
    const marked = { ...fresh, quietSince: noon };
    const silenced = fold(marked, { kind: 'alert.silenced', alert: id, until: noon + hour, by: 'alice' });
    const closed = fold(silenced, { kind: 'alert.closed', alert: id, episode, reason: 'it is gone' });
    expect(closed).toMatchObject({
      state: 'resolved',
      resolvedAt: noon,
      end: { how: 'closed', because: 'alice: it is gone' },
      silencedUntil: null,
      silencedBy: null,
      quietSince: null,
    });
    const late: Fact = { kind: 'alert.closed', alert: id, episode: episode + 1, reason: 'late' };
    expect(fold(fresh, late)).toEqual({ ...fresh, version: fresh.version + 1 });
  });

  test('no act brings an ended episode back', () => {
    const kinds: Fact[] = [
      { kind: 'alert.acknowledged', alert: id, until: noon + 1 },
      { kind: 'alert.unacknowledged', alert: id },
      { kind: 'alert.silenced', alert: id, until: noon + 1, by: 'bob' },
      { kind: 'alert.unsilenced', alert: id },
      { kind: 'alert.closed', alert: id, episode, reason: 'again' },
    ];
    const closed = fold(fresh, { kind: 'alert.closed', alert: id, episode, reason: 'it is gone' });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...kinds)), facts => {
        const after = fold(closed, ...facts);
        expect(after).toMatchObject({ state: 'resolved', end: closed.end, resolvedAt: closed.resolvedAt });
        expect(lapsesAt(after)).toBeNull();
        expect(after.version).toBe(closed.version + facts.length);
      }),
    );
  });
});

describe('after a close', () => {
  const closed = fold(fresh, { kind: 'alert.closed', alert: id, episode, reason: 'it is gone' });

  test('the same start reopens the episode, a later one opens the next, and a late resolve changes nothing', () => {
    const again = hear(closed, { startsAt: closed.startsAt });
    expect(again).toMatchObject({ state: 'firing', episode, end: null, resolvedAt: null });
    const later = hear(closed, { startsAt: closed.startsAt + hour, stretch: 'startsAt' });
    expect(later).toMatchObject({ state: 'firing', episode: episode + 1, end: null });
    const resolved = hear(closed, { state: 'resolved', startsAt: closed.startsAt });
    expect(resolved).toMatchObject({ state: 'resolved', end: closed.end });
  });
});

describe('news of the alert', () => {
  const held = fold(
    { ...fresh, quietSince: noon },
    { kind: 'alert.acknowledged', alert: id, until: noon + hour },
    { kind: 'alert.silenced', alert: id, until: noon + 2 * hour, by: 'alice' },
  );

  test('keeps what people said while it fires, and is relied on again', () => {
    expect(hear(held, { startsAt: held.startsAt })).toMatchObject({
      acknowledgedUntil: noon + hour,
      silencedBy: 'alice',
      state: 'silenced',
      quietSince: null,
    });
  });

  test('ends both times with the episode', () => {
    for (const over of [
      hear(held, { state: 'resolved' }),
      hear(held, { startsAt: held.startsAt + hour, stretch: 'startsAt' }),
    ]) {
      expect(over).toMatchObject({ acknowledgedUntil: null, silencedUntil: null, silencedBy: null });
      expect(lapsesAt(over)).toBeNull();
    }
  });
});

describe('what lapses', () => {
  const held = fold(
    fresh,
    { kind: 'alert.acknowledged', alert: id, until: noon + hour },
    { kind: 'alert.silenced', alert: id, until: noon + 2 * hour },
  );

  test('is due at the earlier of the two times, and one fact ends each', () => {
    expect(lapsesAt(fresh)).toBeNull();
    expect(lapsesAt(held)).toBe(noon + hour);
    expect(lapseOf(held, noon + hour - 1)).toBeNull();
    const first = lapseOf(held, noon + hour);
    expect(first).toEqual({ kind: 'alert.unacknowledged', alert: id });
    const next = foldAct(held, first as Fact, noon + hour, system);
    expect(lapsesAt(next)).toBe(noon + 2 * hour);
    const last = foldAct(next, lapseOf(next, noon + 2 * hour) as Fact, noon + 2 * hour, system);
    expect(last).toMatchObject({ state: 'firing', acknowledgedBy: null });
    expect(lapseOf(last, noon + 9 * hour)).toBeNull();
  });
});
