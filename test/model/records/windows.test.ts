import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  boundValue,
  bucketOf,
  compileRecords,
  createCounter,
  fingerprintOf,
  formats,
  fullest,
  keyText,
  type LogRecord,
  recordsOptions,
  type Tally,
} from '../../../src/model/records/records.ts';
import { hostile } from '../../contracts/hostile.ts';

const minute = 60_000;
const now = Date.UTC(2026, 10, 29, 12);
const options = z.object({ ...recordsOptions });

function specOf(detect: object[]) {
  return compileRecords(options.parse({ format: 'json', time: 'at', detect }));
}

interface Made {
  user: string;
  ip: string;
  ago: number;
}

const recordOf = ({ user, ip, ago }: Made): LogRecord => {
  const members: Record<string, string> = { user, ip };
  return {
    get: name => members[name],
    names: () => Object.keys(members),
    at: () => now - ago,
    text: () => `${user} ${ip}`,
  };
};

/** What batches count, one after the other: the sums by stretch, as a store keeps them. */
function sumsOf(batches: readonly (readonly Made[])[], rules: ReturnType<typeof specOf>['rules']): Map<string, Tally> {
  const sums = new Map<string, Tally>();
  for (const batch of batches) {
    const counter = createCounter({ source: 's', rules, from: 'x', now, late: 3_600_000, hide: text => text });
    batch.forEach((one, index) => void counter.take(recordOf(one), index + 1));
    for (const tally of counter.done().tallies) {
      const name = JSON.stringify([tally.rule, tally.key, tally.bucket, tally.value]);
      sums.set(name, { ...tally, n: tally.n + (sums.get(name)?.n ?? 0) });
    }
  }
  return sums;
}

const made = fc.record({
  user: fc.constantFrom('ann', 'bob', ''),
  ip: fc.constantFrom('1', '2', '3', '4'),
  ago: fc.integer({ min: 0, max: 30 * minute }),
});
const batches = fc.array(fc.array(made, { maxLength: 12 }), { maxLength: 8 });
const rules = specOf([
  { name: 'count', by: ['record.user'], count: { atLeast: 4, within: '5m' } },
  { name: 'distinct', by: ['record.user'], distinct: { of: 'record.ip', atLeast: 3, within: '5m' } },
]).rules;

const plain = (sums: Map<string, Tally>) =>
  [...sums].map(([name, { n }]) => [name, n] as const).sort(([one], [other]) => (one < other ? -1 : 1));

/** The keys that are full, each as soon as a batch has added to its window, as nodes look at them. */
function firedBy(order: readonly (readonly Made[])[]): string[] {
  const fired = new Set<string>();
  const done: (readonly Made[])[] = [];
  for (const batch of order) {
    done.push(batch);
    const added = sumsOf([batch], rules);
    const all = [...sumsOf(done, rules).values()];
    for (const { rule, key } of added.values()) {
      const touched = new Set(
        [...added.values()].filter(one => one.rule === rule && one.key === key).map(one => one.bucket),
      );
      const window = rules.find(one => one.name === rule)?.window;
      if (window?.kind !== 'count' && window?.kind !== 'distinct') continue;
      const found = fullest(
        all.filter(one => one.rule === rule && one.key === key),
        window,
        touched,
      );
      if (found !== null && found.total >= window.atLeast) fired.add(`${rule} ${key}`);
    }
  }
  return [...fired].sort();
}

describe('windows', () => {
  test('no order of records, batches or nodes changes the counts', () => {
    // With as many values as there are, none of a stretch is left out as needless.
    const exact = specOf([
      { name: 'count', by: ['record.user'], count: { atLeast: 4, within: '5m' } },
      { name: 'distinct', by: ['record.user'], distinct: { of: 'record.ip', atLeast: 4, within: '5m' } },
    ]).rules;
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat()), (given, numbers) => {
        const one = plain(sumsOf(given, exact));
        const order = given.map(batch => [numbers.next().value, batch] as const).sort(([a], [b]) => a - b);
        expect(
          plain(
            sumsOf(
              order.map(([, batch]) => batch.toReversed()),
              exact,
            ),
          ),
        ).toEqual(one);
        // One batch, or one record a batch.
        expect(plain(sumsOf([given.flat()], exact))).toEqual(one);
        expect(
          plain(
            sumsOf(
              given.flat().map(record => [record]),
              exact,
            ),
          ),
        ).toEqual(one);
      }),
    );
  });

  test('no order of batches changes what fires', () => {
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat()), (given, numbers) => {
        const order = given.map(batch => [numbers.next().value, batch] as const).sort(([a], [b]) => a - b);
        expect(firedBy(order.map(([, batch]) => batch))).toEqual(firedBy(given));
      }),
    );
  });

  test('what fires was closer together than the window, and what was much closer together fires', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 * minute }), { minLength: 1, maxLength: 20 }), agos => {
        const cells = agos.map(ago => ({ bucket: bucketOf(now - ago, 5 * minute), value: '', n: 1 }));
        const found = fullest(cells, { kind: 'count', within: 5 * minute });
        const most = (within: number) =>
          Math.max(...agos.map(last => agos.filter(ago => ago >= last && ago < last + within).length));
        expect(found?.total).toBeLessThanOrEqual(most(5 * minute));
        expect(found?.total).toBeGreaterThanOrEqual(most((5 * minute * 11) / 12));
      }),
    );
  });

  test('with stretches that were touched, a window that was full before is no news', () => {
    const cells = [1, 2, 3].map(n => ({ bucket: n * 25_000, value: '', n: 2 }));
    const late = { bucket: 3_600_000, value: '', n: 1 };
    const window = { kind: 'count', within: 5 * minute } as const;
    expect(fullest([...cells, late], window)?.total).toBe(6);
    expect(fullest([...cells, late], window, new Set([late.bucket]))?.total).toBe(1);
    expect(fullest([...cells, late], window, new Set([25_000]))).toEqual({ total: 6, first: 25_000, last: 75_000 });
    expect(fullest([], window)).toBeNull();
  });

  test('a value counts once in a window, and again in another', () => {
    const cells = ['a', 'a', 'b'].map((value, index) => ({ bucket: index * 25_000, value, n: 9 }));
    const window = { kind: 'distinct', within: 5 * minute } as const;
    expect(fullest(cells, window)?.total).toBe(2);
    expect(fullest([...cells, { bucket: 3_600_000, value: 'c', n: 1 }], window)?.total).toBe(2);
  });
});

describe('a counter', () => {
  const counting = (detect: object[], more: object = {}) =>
    createCounter(
      {
        source: 's',
        rules: specOf(detect).rules,
        from: 'x',
        now,
        late: 3_600_000,
        hide: text => text.replace('secret', '[redacted]'),
      },
      { keys: 100, allKeys: 1000, cells: 500, matches: 20, evidence: 100_000, ...more },
    );
  const feed = (counter: ReturnType<typeof counting>, all: readonly Made[]) => {
    all.forEach((one, index) => void counter.take(recordOf(one), index + 1));
    return counter.done();
  };
  const by = { name: 'r', by: ['record.user'], count: { atLeast: 5, within: '5m' } };

  test('keeps the keys with the most records of many, and says how many records it gave up', () => {
    const all = Array.from({ length: 20_000 }, (_, n) => ({
      user: n % 10 === 0 ? 'much' : `user ${n}`,
      ip: '',
      ago: 0,
    }));
    const { tallies, beyond } = feed(counting([by]), all);
    expect(tallies.length).toBeLessThanOrEqual(100);
    expect(tallies.find(one => one.key === '["much"]')?.n).toBe(2000);
    const counted = tallies.reduce((sum, one) => sum + one.n, 0);
    expect(counted + (beyond.get('r') ?? 0)).toBe(20_000);
  });

  test('keeps evidence of the first twenty records of what may fire, without secrets and in bounds', () => {
    const all = Array.from({ length: 50 }, () => ({ user: 'ann', ip: `secret ${'x'.repeat(5000)}`, ago: 0 }));
    const [tally] = feed(counting([by]), all).tallies;
    const lines = (tally?.sample ?? '').trim().split('\n');
    expect(lines).toHaveLength(20);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ from: 'x', place: 1 });
    expect(tally?.sample).not.toContain('secret');
    expect(tally?.sample.length).toBeLessThan(40_000);
  });

  test('counts by the time of the record; what is too late is said, and what is ahead counts as now', () => {
    const counted = feed(counting([by]), [
      { user: 'ann', ip: '', ago: 30 * minute },
      { user: 'ann', ip: '', ago: -60 * minute },
      { user: 'ann', ip: '', ago: 66 * minute },
    ]);
    expect(counted.tallies.map(one => one.bucket)).toEqual([
      bucketOf(now - 30 * minute, 5 * minute),
      bucketOf(now, 5 * minute),
    ]);
    expect(counted.tooLate.get('r')).toBe(1);
  });

  test('keeps no more different values of a stretch than are needed to fire', () => {
    const scan = { name: 's', by: ['record.user'], distinct: { of: 'record.ip', atLeast: 10, within: '5m' } };
    const all = Array.from({ length: 60 }, (_, n) => ({ user: 'ann', ip: `${n}`, ago: n < 30 ? 0 : 4 * minute }));
    const { tallies } = feed(counting([scan]), all);
    expect(tallies).toHaveLength(20);
    expect(fullest(tallies, { kind: 'distinct', within: 5 * minute })?.total).toBe(20);
  });

  test('a rule without a window counts what comes late too, and makes notices where it is told to', () => {
    const late = [{ user: 'ann', ip: '', ago: 600 * minute }];
    expect(feed(counting([{ name: 'r' }]), late).tallies).toHaveLength(1);
    const many = Array.from({ length: 25 }, () => ({ user: 'ann', ip: 'secret', ago: 0 }));
    const { matches, moreMatches, tallies } = feed(counting([{ name: 'n', notice: true, by: ['record.user'] }]), many);
    expect([matches.length, moreMatches.get('n'), tallies]).toEqual([20, 5, []]);
    expect(matches[0]).toMatchObject({ values: ['ann'], evidence: { record: 'ann [redacted]' } });
  });
});

describe('keys', () => {
  test('no two combinations of values are one key, nor one fingerprint', () => {
    const hard = ['a/b', 'b', 'x'.repeat(300), `${'x'.repeat(299)}y`, 'a,b', '%2F', '\u0001"\\ud800"'];
    const values = [...new Set([...hostile.map(([, text]) => text), ...hard])];
    const pairs = values.flatMap(one => values.map(other => [one, other].map(boundValue)));
    expect(new Set(pairs.map(keyText)).size).toBe(pairs.length);
    expect(new Set(pairs.map(pair => fingerprintOf('r', keyText(pair)))).size).toBe(pairs.length);
  });
});

test('every format has a line about it with the source of its facts where others made it', () => {
  for (const format of Object.values(formats)) {
    expect(format.about, format.id).toMatch(/\.$/);
    if (format.fields !== null) expect(format.about, format.id).toMatch(/Source: /);
    for (const name of Object.keys(format.fields ?? {})) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  }
});
