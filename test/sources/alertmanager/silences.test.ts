import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { silenceComment, silenceMark } from '../../../src/model/silence-mark.ts';
import type { OriginConnection, OriginSilence } from '../../../src/ports/origin.ts';
import source from '../../../src/sources/alertmanager/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type AlertmanagerDouble, startAlertmanagerDouble } from '../../doubles/alertmanager.ts';
import type { HeldSilence } from '../../doubles/silences.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 10, 20, 12);
let double: AlertmanagerDouble;
beforeEach(async () => {
  double = await startAlertmanagerDouble(() => now);
});
afterEach(() => double.close());

const alert = sampleAlert({ id: 'alt_1', labels: { alertname: 'Noisy', pod: 'a', empty: '' } });
const matchers = ['alertname=Noisy', 'pod=a'].map(text => {
  const [name = '', value = ''] = text.split('=');
  return { name, value, isRegex: false as const, isEqual: true as const };
});
function open(at = now): Required<Pick<OriginConnection, 'silence' | 'unsilence'>> {
  const options = source.options.parse({ token: 's', url: double.url, silences: true });
  const host = { clock: { ...systemClock, now: () => at }, log: silentLog, reach: () => fetch };
  const { silence, unsilence } = source.origin?.(options, host) ?? {};
  if (silence === undefined || unsilence === undefined) throw new Error('it makes no silences');
  return { silence, unsilence };
}
const wanted = (more: Partial<OriginSilence> = {}): OriginSilence => ({
  until: now + hour,
  by: 'alice',
  reason: null,
  marker: 'alt_1',
  ...more,
});
const held = (comment: string, more: Partial<HeldSilence> = {}): HeldSilence => ({
  createdBy: 'alice',
  comment,
  startsAt: now - hour,
  endsAt: now + hour,
  matchers,
  ...more,
});
const ends = () => [...double.silences].map(([id, { endsAt }]) => [id, (endsAt - now) / hour]);

describe('a silence in Alertmanager', () => {
  test('has no matcher for an empty label, and begins before now whatever our clock says', async () => {
    expect(await open(now + 60_000).silence(alert, wanted())).toBe('Silenced it in Alertmanager too');
    expect([...double.silences.values()]).toEqual([
      { createdBy: 'alice', comment: 'Silenced in Tocsin [tocsin alt_1]', startsAt: now, endsAt: now + hour, matchers },
    ]);
  });

  test('keeps its id when its matchers are listed in another order', async () => {
    double.silences.set('a1', held('Silenced in Tocsin [tocsin alt_1]', { matchers: matchers.toReversed() }));
    expect(await open().silence(alert, wanted({ until: now + 2 * hour }))).toBe(
      'Changed the silence in Alertmanager too',
    );
    expect(ends()).toEqual([['a1', 2]]);
  });

  test('may become shorter, get another reason, and is left alone when it is as wanted', async () => {
    double.silences.set('a1', held('Silenced in Tocsin [tocsin alt_1]'));
    expect(await open().silence(alert, wanted())).toBe('It is silenced in Alertmanager already');
    expect(double.posted).toEqual([]);
    await open().silence(alert, wanted({ until: now + hour / 2, reason: 'soon over' }));
    expect(double.silences.get('a1')).toMatchObject({
      endsAt: now + hour / 2,
      comment: 'Silenced in Tocsin: soon over [tocsin alt_1]',
    });
  });

  test('is made anew when somebody changed what it silences, and the changed one is ended', async () => {
    double.silences.set('a1', held('Silenced in Tocsin [tocsin alt_1]', { matchers: matchers.slice(0, 1) }));
    // The list is narrowed by labels, so one that silences more is not found; one that is found has all of them.
    await open().silence(alert, wanted());
    expect(ends()).toEqual([
      ['a1', 1],
      ['5ilence-2', 1],
    ]);
    double.silences.set('a1', held('Silenced in Tocsin [tocsin alt_1]', { matchers: [...matchers, extra('x')] }));
    double.silences.delete('5ilence-2');
    await open().silence(alert, wanted());
    expect(ends()).toEqual([
      ['a1', 0],
      ['5ilence-2', 1],
    ]);
  });

  test('of two, as two peers of a cluster may have got them, is one', async () => {
    double.silences.set('a1', held('Silenced in Tocsin [tocsin alt_1]', { endsAt: now + 30_000 }));
    double.silences.set('a2', held('Silenced in Tocsin [tocsin alt_1]'));
    expect(await open().silence(alert, wanted())).toBe('It is silenced in Alertmanager already');
    expect(ends()).toEqual([
      ['a1', 0],
      ['a2', 1],
    ]);
  });

  test('that is gone when it is to be changed is made', async () => {
    double.silences.set('a1', held('Silenced in Tocsin [tocsin alt_1]'));
    double.faults.push(404);
    await open().silence(alert, wanted({ until: now + 2 * hour }));
    expect(ends()).toContainEqual(['5ilence-2', 2]);
  });

  test('is not made for what is over in a moment', async () => {
    expect(await open().silence(alert, wanted({ until: now + 1000 }))).toBeNull();
    expect(double.asked).toEqual([]);
  });

  test('of other people and other alerts is never touched', async () => {
    double.silences.set('b1', held('planned work'));
    double.silences.set('b2', held('Silenced in Tocsin [tocsin alt_2]'));
    double.silences.set('b3', held('quoted [tocsin alt_1] by somebody'));
    double.silences.set('b4', held('Silenced in Tocsin [tocsin alt_1]', { endsAt: now - hour }));
    expect(await open().unsilence(alert, 'alt_1')).toBeNull();
    await open().silence(alert, wanted());
    expect(await open().unsilence(alert, 'alt_1')).toBe('Ended the silence in Alertmanager too');
    expect(ends()).toEqual([
      ['b1', 1],
      ['b2', 1],
      ['b3', 1],
      ['b4', -1],
      ['5ilence-5', 0],
    ]);
  });

  test.each([
    ['a value that was cut', { alertname: 'Noisy', long: `${'x'.repeat(4070)}… 12 more characters` }],
    ['labels that were left out', { alertname: 'Noisy', tocsin_cut: '3 more were left out' }],
    ['no Unicode', { alertname: 'Noisy\ufffd' }],
    ['nothing at all', { empty: '' }],
  ])('is refused for %s', async (_what, labels) => {
    await expect(open().silence(sampleAlert({ labels }), wanted())).rejects.toSatisfy(
      error => isCode(error, 'origin-refused') && error.message.includes('not known whole'),
    );
    expect(double.posted).toEqual([]);
  });
});

function extra(value: string) {
  return { name: 'extra', value, isRegex: false as const, isEqual: true as const };
}

describe('the mark of a silence', () => {
  test('stands at the end, so that no reason can pass for one', () => {
    expect(silenceMark(silenceComment('[tocsin alt_2]', 'alt_1'))).toBe('alt_1');
    expect(silenceMark(silenceComment('x'.repeat(5000), 'alt_1'))).toBe('alt_1');
    expect(silenceComment('x'.repeat(5000), 'alt_1').length).toBeLessThan(600);
    for (const other of ['', '[tocsin alt_1] and more', '[tocsin alt 1]', 'tocsin alt_1']) {
      expect(silenceMark(other), other).toBeNull();
    }
  });
});
