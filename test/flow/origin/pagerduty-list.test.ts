import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClock, type HandClock } from '../../doubles/clock.ts';
import { openPlace, type Place } from './place.ts';
import { countRounds } from './rounds.ts';

/** What PagerDuty lists as open, against what is live here. */
let clock: HandClock;
let place: Place;
let round: () => Promise<void>;

beforeEach(async () => {
  clock = createClock(Date.now());
  const rounds = countRounds(clock);
  place = await openPlace(() => ({}), { clock: rounds.clock, wrapStore: rounds.wrapStore });
  round = () => rounds.next(place.app.until);
});
afterEach(() => place.close());

const alertOf = (id: string) => place.app.app.store.alertOf('pagerduty', id);
const rounds = async (count: number) => {
  for (let n = 0; n < count; n++) await round();
};

/** A round may be one that only marks what is quiet, so it is not said how many are needed. */
const roundsUntil = async (holds: () => Promise<boolean>) => {
  for (let n = 0; n < 10 && !(await holds()); n++) await round();
};

describe('an incident that PagerDuty lists no longer', () => {
  test('is closed when it is resolved there', async () => {
    await place.incident('QGONE');
    await place.app.until(() => alertOf('QGONE'));
    await rounds(2);
    expect((await alertOf('QGONE'))?.state).toBe('firing');
    Object.assign(place.pagerduty.incidents.get('QGONE') ?? {}, { status: 'resolved' });
    await roundsUntil(async () => (await alertOf('QGONE'))?.state === 'resolved');
    expect(await alertOf('QGONE')).toMatchObject({ end: { how: 'gone' } });
  });

  test('is not taken for cured when it was merged into another', async () => {
    await place.incident('QFROM');
    await place.app.until(() => alertOf('QFROM'));
    place.pagerduty.add({ id: 'QINTO' });
    Object.assign(place.pagerduty.incidents.get('QFROM') ?? {}, { status: 'resolved', mergedInto: 'QINTO' });
    await rounds(4);
    expect((await alertOf('QFROM'))?.state).toBe('firing');
  });
});

describe('an incident whose webhook was lost', () => {
  test('is opened when its service is one that proven webhooks named', async () => {
    await place.incident('QKNOWN');
    await place.app.until(() => alertOf('QKNOWN'));
    place.pagerduty.add({ id: 'QLOST' });
    await roundsUntil(async () => (await alertOf('QLOST')) !== null);
    expect(await alertOf('QLOST')).toMatchObject({ state: 'firing', trusted: true, count: 1 });
  });

  test('is not when nothing of its service came before', async () => {
    place.pagerduty.add({ id: 'QOTHER' });
    await rounds(4);
    expect(await alertOf('QOTHER')).toBeNull();
  });
});
