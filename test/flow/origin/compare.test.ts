import { describe, expect, test } from 'vitest';
import { isMissing, lackedBy, muteOf, quietBesidesOurs, resolveOf } from '../../../src/flow/origin/compare.ts';
import { type Alert, foldAlert } from '../../../src/model/alert.ts';
import type { IncomingAlert } from '../../../src/model/event.ts';
import { foldOriginFact, isMuted } from '../../../src/model/muted.ts';
import type { ListedAlert } from '../../../src/ports/source.ts';

const now = Date.UTC(2026, 10, 20, 12);
const asked = { at: now, origin: now };
const minute = 60_000;

const news = (facts: Partial<IncomingAlert> = {}): IncomingAlert => ({
  kind: 'alert',
  state: 'firing',
  fingerprint: 'f',
  title: 'It fires',
  severity: 'warning',
  labels: {},
  annotations: {},
  links: [],
  startsAt: now - 10 * minute,
  stretch: 'startsAt',
  endsAt: null,
  occurredAt: now - 10 * minute,
  ...facts,
});
const listed = (facts: Partial<ListedAlert> = {}, event: Partial<IncomingAlert> = {}): ListedAlert => ({
  event: news(event),
  silenced: null,
  endsAt: now + 4 * minute,
  receivers: ['tocsin'],
  ...facts,
});
function known(facts: Partial<Alert> = {}): Alert {
  const event = { id: 'evt_1', source: 's', receivedAt: now - 9 * minute, raw: null, trusted: true, body: news() };
  return { ...foldAlert(null, event, 'opened', 'alt_1'), ...facts };
}
const states = (events: readonly IncomingAlert[]) => events.map(event => event.state);

describe('what is lacking here', () => {
  test('nothing for what fires here and there', () => {
    expect(lackedBy(listed(), known(), true, asked)).toEqual([]);
  });

  test.each<[string, Alert | null, string[]]>([
    ['unknown', null, ['firing']],
    ['resolved', known({ state: 'resolved', resolvedAt: now - 5 * minute }), ['firing']],
    ['resolved a moment ago', known({ state: 'resolved', lastSeen: now - 1000 }), []],
    ['known by its acknowledgement alone', known({ count: 0 }), ['firing']],
  ])('for one that is %s', (_what, alert, expected) => {
    expect(states(lackedBy(listed(), alert, true, asked))).toEqual(expected);
  });

  test('an acknowledgement comes after the firing that it is about', () => {
    const one = listed({}, { state: 'acknowledged', by: 'mina' });
    expect(states(lackedBy(one, null, true, asked))).toEqual(['firing', 'acknowledged']);
    expect(lackedBy(one, known(), true, asked)).toEqual([]);
  });

  test('nothing of a receiver that leads elsewhere, nothing silenced, nothing that has just begun', () => {
    expect(lackedBy(listed(), null, false, asked)).toEqual([]);
    expect(lackedBy(listed({ silenced: { by: 'x', until: null } }), null, true, asked)).toEqual([]);
    expect(lackedBy(listed({}, { startsAt: now - 59_000 }), null, true, asked)).toEqual([]);
  });

  test('nothing that is older than what is known', () => {
    const later = known({ state: 'resolved', startsAt: now - 2 * minute });
    expect(lackedBy(listed(), later, true, asked)).toEqual([]);
  });
});

test('what may have ended: live, opened, and not heard of a moment ago', () => {
  expect(isMissing(known(), asked)).toBe(true);
  expect(isMissing(known({ state: 'silenced' }), asked)).toBe(true);
  expect(isMissing(known({ state: 'resolved' }), asked)).toBe(false);
  expect(isMissing(known({ count: 0 }), asked)).toBe(false);
  expect(isMissing(known({ lastSeen: now - 29_000 }), asked)).toBe(false);
});

test('a stretch never ends before it begins, whatever the clocks say', () => {
  expect(resolveOf(known(), now).endsAt).toBe(now);
  expect(resolveOf(known(), 5)).toMatchObject({ endsAt: now - 10 * minute, occurredAt: now - 10 * minute });
});

describe('who keeps it quiet', () => {
  const by = (name: string, until: number | null) => ({ by: name, until });
  test.each<[string, Alert['silencedAtOrigin'], ListedAlert['silenced'], string | null]>([
    ['nobody', null, null, null],
    ['somebody now', null, by('a', null), 'mute'],
    ['nobody any more', by('a', null), null, 'unmute'],
    ['the same', by('a', now + 1), by('a', now + 1), null],
    ['longer', by('a', now + 1), by('a', now + 2), 'mute'],
    ['a silence that could not be read this time', by('a', now + 1), by('a silence', null), null],
    ['another reason after the end of the first', by('a', now - 1), by('b', null), 'mute'],
  ])('%s', (_what, before, after, expected) => {
    expect(muteOf(known({ silencedAtOrigin: before }), after, now)).toBe(expected);
  });

  const listed = (silenced: ListedAlert['silenced'], ...marked: NonNullable<ListedAlert['marked']>) =>
    ({ silenced, marked }) as unknown as ListedAlert;
  const marked = (marker: string, until: number | null) => ({ ...by(marker, until), marker });
  test.each<[string, ListedAlert, Partial<Alert>, ListedAlert['silenced']]>([
    ['our own, as long as here', listed(null, marked('alt_1', now + 5)), { silencedUntil: now + 5 }, null],
    [
      'our own, longer than here',
      listed(null, marked('alt_1', now + 5 * minute)),
      { silencedUntil: now + 5 },
      by('alt_1', now + 5 * minute),
    ],
    ['our own without an end', listed(null, marked('alt_1', null)), { silencedUntil: now + 5 }, by('alt_1', null)],
    ['our own that stays', listed(null, marked('alt_1', now + 5)), {}, by('alt_1', now + 5)],
    ['that of another alert', listed(null, marked('alt_2', now + 5)), { silencedUntil: now + 5 }, by('alt_2', now + 5)],
    ['our own beside another', listed(by('bob', null), marked('alt_1', now)), { silencedUntil: now }, by('bob', null)],
    ['two others', listed(by('bob', now), marked('alt_2', now + 5)), {}, by('bob, alt_2', now + 5)],
  ])('besides us: %s', (_what, given, facts, expected) => {
    expect(quietBesidesOurs(given, known({ id: 'alt_1', ...facts }), () => true)).toEqual(expected);
  });

  test('besides us: our own that was ended here a moment ago does not count yet; the mark of an alert that is not known does', () => {
    const given = listed(null, marked('alt_1', now + 5));
    expect(quietBesidesOurs(given, known({ id: 'alt_1' }), () => false)).toBeNull();
    expect(quietBesidesOurs(given, null, () => false)).toEqual(by('alt_1', now + 5));
  });

  test('nothing starts while it holds; its end is known beforehand where it has one', () => {
    expect(isMuted(known(), now)).toBe(false);
    expect(isMuted(known({ silencedAtOrigin: by('a', null) }), now)).toBe(true);
    expect(isMuted(known({ silencedAtOrigin: by('a', now + 1) }), now)).toBe(true);
    expect(isMuted(known({ silencedAtOrigin: by('a', now) }), now)).toBe(false);
  });

  test('a silence of a person here outlasts the one there', () => {
    const muted = foldOriginFact(known(), { kind: 'alert.muted', alert: 'alt_1', by: 'a', until: null }, now);
    expect(muted).toMatchObject({ state: 'silenced', version: 2, silencedAtOrigin: by('a', null) });
    const unmuted = { kind: 'alert.unmuted', alert: 'alt_1' } as const;
    expect(foldOriginFact(muted, unmuted, now)).toMatchObject({ state: 'firing', silencedAtOrigin: null });
    expect(foldOriginFact({ ...muted, silencedUntil: now + 1 }, unmuted, now).state).toBe('silenced');
  });

  test('a resolved alert stays resolved', () => {
    const resolved = known({ state: 'resolved' });
    const muted = foldOriginFact(resolved, { kind: 'alert.muted', alert: 'alt_1', by: 'a', until: null }, now);
    expect(muted).toEqual({ ...resolved, version: 2 });
  });
});
