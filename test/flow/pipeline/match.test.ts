import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTriggerIndex, failedClause } from '../../../src/flow/pipeline/match.ts';
import type { EventKind, IncomingEvent } from '../../../src/model/event.ts';
import { changeOf } from '../../../src/model/incoming-change.ts';
import type { EventVariables, LabelMatch, Runbook, Trigger } from '../../../src/ports/runbook.ts';
import { sampleEvent } from '../../contracts/samples.ts';

// Names that every object has, and values that are there or missing, so that a lookup which confuses them is found out.
const label = fc.constantFrom('alertname', 'env', 'constructor', '__proto__', 'toString');
const value = fc.constantFrom('', '', 'a', 'b');
const clause: fc.Arbitrary<LabelMatch> = fc.oneof(
  fc.record({ label, kind: fc.constant('equals' as const), value }),
  fc.record({ label, kind: fc.constant('in' as const), values: fc.array(value, { maxLength: 3 }) }),
  fc.record({ label, letter: fc.constantFrom('a', 'b') }).map(({ label: name, letter }) => ({
    label: name,
    kind: 're' as const,
    pattern: letter,
    test: (text: string) => text === letter,
  })),
);
// Weighted so that several triggers of one runbook often hold together.
const where = fc.constantFrom('none', 'none', 'none', 'holds', 'does not', 'throws');
const computes = fc.constantFrom('well', 'well', 'throws');
const source = fc.constantFrom('am', 'am', 'am', 'pd');
const kinds = ['alert', 'tick', 'notice', 'change'] as const;
const kind = fc.constantFrom(null, null, ...kinds);

const trigger = fc
  .record({ source, kind, match: fc.array(clause, { maxLength: 3 }), where, computes })
  .map(({ source: from, kind: wanted, match, where: holds, computes: made }) => {
    const text = holds === 'none' ? null : holds;
    const decides = () => {
      if (holds === 'throws') throw new Error('no such key');
      return holds === 'holds';
    };
    const given: Trigger = {
      source: from,
      kind: wanted,
      match,
      where: text === null ? null : decides,
      whereText: text,
      params: () => {
        if (made === 'throws') throw new Error('cannot be computed');
        return {};
      },
    };
    return given;
  });

const runbooks = fc
  .array(fc.array(trigger, { maxLength: 3 }), { maxLength: 6 })
  .map(all => all.map((triggers, index) => runbookOf(`runbook-${index}`, triggers)));
const labels = fc.array(fc.tuple(label, value), { maxLength: 4 }).map(pairs => fromPairs(pairs));
const event = fc.record({
  source: fc.constantFrom('am', 'am', 'pd', 'other'),
  labels,
  kind: fc.constantFrom('alert', ...kinds),
});

/** As a parser makes it: every name is a member of its own. */
function fromPairs(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const made: Record<string, string> = {};
  for (const [name, text] of pairs)
    Object.defineProperty(made, name, { value: text, enumerable: true, writable: true, configurable: true });
  return made;
}

function runbookOf(id: string, triggers: Trigger[]): Runbook {
  return { id, triggers, params: { parse: (given: object) => given } } as unknown as Runbook;
}

interface Given {
  source: string;
  labels: Record<string, string>;
  kind?: EventKind;
}

function variablesOf({ source: from, labels: all, kind: is = 'alert' }: Given): EventVariables {
  const made = sampleEvent({ labels: all }, { source: from });
  const common = { title: 't', labels: all, links: [], occurredAt: made.receivedAt };
  const body: IncomingEvent =
    is === 'tick'
      ? { kind: is, ...common, schedule: 'nightly', at: made.receivedAt }
      : is === 'notice'
        ? { kind: is, ...common, type: 'note' }
        : is === 'change'
          ? {
              ...changeOf({ ...common, action: 'push', resource: { type: 'branch', id: 'main' }, outcome: 'success' }),
              ...common,
            }
          : made.body;
  return { event: { ...made, body }, alert: null };
}

/** What a trigger says, word by word, without any index. */
function holds(one: Trigger, given: Given): boolean {
  return clausesHold(one, given) && (one.where === null || one.whereText === 'holds');
}

/** True when nobody knows whether the trigger holds. */
function isUnknown(one: Trigger, given: Given): boolean {
  return clausesHold(one, given) && one.whereText === 'throws';
}

function clausesHold(one: Trigger, given: Given): boolean {
  const read = (name: string) => Object.entries(given.labels).find(([key]) => key === name)?.[1] ?? '';
  const clauseHolds = (match: LabelMatch) => {
    if (match.kind === 'equals') return read(match.label) === match.value;
    return match.kind === 'in' ? match.values.includes(read(match.label)) : match.test(read(match.label));
  };
  const kindHolds = one.kind === null ? given.kind !== 'notice' && given.kind !== 'change' : one.kind === given.kind;
  return one.source === given.source && kindHolds && one.match.every(clauseHolds);
}

describe('matching', () => {
  it('finds exactly the runbooks with a trigger that holds, by the first that does, else by the first that nobody knows of', () => {
    fc.assert(
      fc.property(runbooks, event, (all, given) => {
        const index = createTriggerIndex(all);
        const found = index.match(variablesOf(given));
        // An event that is said to concern nobody is not looked at any more.
        if (!index.concerns(variablesOf(given).event)) expect(found).toEqual([]);
        const expected = all.flatMap(runbook => {
          const first = runbook.triggers.find(one => holds(one, given));
          const found = first ?? runbook.triggers.find(one => isUnknown(one, given));
          return found === undefined ? [] : [[runbook.id, runbook.triggers.indexOf(found), first === undefined]];
        });
        expect(
          found.map(one => [one.runbook.id, one.runbook.triggers.indexOf(one.trigger), one.failed === 'where']),
        ).toEqual(expected.sort());
        for (const one of found)
          if (one.failed === 'where') expect(one).toMatchObject({ params: null, because: 'no such key' });
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order of the runbooks, and names each once', () => {
    fc.assert(
      fc.property(runbooks, event, (all, given) => {
        const shape = (list: readonly Runbook[]) =>
          createTriggerIndex(list)
            .match(variablesOf(given))
            .map(one => [one.runbook.id, one.because, one.params]);
        expect(shape([...all].reverse())).toEqual(shape(all));
        expect(new Set(shape(all).map(([id]) => id)).size).toBe(shape(all).length);
      }),
    );
  });

  it('says of each trigger why not, and of each match why: the two never contradict each other', () => {
    fc.assert(
      fc.property(runbooks, event, (all, given) => {
        const matched = new Set(
          createTriggerIndex(all)
            .match(variablesOf(given))
            .filter(one => one.failed !== 'where')
            .map(one => one.trigger),
        );
        for (const runbook of all)
          for (const one of runbook.triggers) {
            expect(failedClause(one, variablesOf(given)) === null).toBe(holds(one, given));
            if (matched.has(one)) expect(holds(one, given)).toBe(true);
          }
      }),
    );
  });

  it('takes a notice or a change only where the trigger says so, and says why not', () => {
    const all: Trigger = {
      source: 'am',
      kind: null,
      match: [],
      where: null,
      whereText: null,
      params: () => ({}),
    };
    const why = (wanted: EventKind | null, given: EventKind) =>
      failedClause({ ...all, kind: wanted }, variablesOf({ source: 'am', labels: {}, kind: given }));
    expect([why(null, 'alert'), why(null, 'tick'), why('notice', 'notice'), why('alert', 'alert')]).toEqual(
      Array(4).fill(null),
    );
    expect(why(null, 'notice')).toBe('kind is notice, which only a trigger with kind: notice takes');
    expect(why('notice', 'alert')).toBe('kind is alert, not notice');
    expect(why('change', 'change')).toBeNull();
    expect(why(null, 'change')).toBe('kind is change, which only a trigger with kind: change takes');
    expect(why('notice', 'change')).toBe('kind is change, not notice');
    expect(why('change', 'notice')).toBe('kind is notice, not change');
    expect(why('alert', 'tick')).toBe('kind is tick, not alert');
  });

  it('keeps a runbook whose parameters cannot be computed, with the reason', () => {
    const cannot: Trigger = {
      source: 'am',
      kind: null,
      match: [],
      where: null,
      whereText: null,
      params: () => {
        throw new Error('host is missing');
      },
    };
    const [found] = createTriggerIndex([runbookOf('a', [cannot])]).match(variablesOf({ source: 'am', labels: {} }));
    expect(found).toMatchObject({ params: null, failed: 'parameters', because: 'host is missing' });
  });

  it('complains of each trigger that cannot be evaluated, also when another one holds', () => {
    const given: Trigger = { source: 'am', kind: null, match: [], where: null, whereText: null, params: () => ({}) };
    const doubtful: Trigger = {
      ...given,
      whereText: 'x',
      where: () => {
        throw new Error('no such key');
      },
    };
    const heard: string[][] = [];
    const found = createTriggerIndex([runbookOf('a', [doubtful, given]), runbookOf('b', [doubtful])]).match(
      variablesOf({ source: 'am', labels: {} }),
      (runbook, because) => heard.push([runbook.id, because]),
    );
    expect(found.map(one => [one.runbook.id, one.failed, one.because])).toEqual([
      ['a', null, 'any event of am'],
      ['b', 'where', 'no such key'],
    ]);
    expect(heard).toEqual([
      ['a', 'no such key'],
      ['b', 'no such key'],
    ]);
  });

  it('looks only at triggers that can hold: ten thousand of other alerts cost no look at a clause', () => {
    let looks = 0;
    const of = (name: string): Trigger => ({
      source: 'am',
      kind: null,
      match: [{ label: 'alertname', kind: 'equals', value: name }],
      where: () => {
        looks++;
        return true;
      },
      whereText: 'counts',
      params: () => ({}),
    });
    const many = Array.from({ length: 10_000 }, (_, index) => runbookOf(`r${index}`, [of(`Alert${index}`)]));
    const index = createTriggerIndex(many);
    expect(
      index.match(variablesOf({ source: 'am', labels: { alertname: 'Alert77' } })).map(one => one.runbook.id),
    ).toEqual(['r77']);
    expect(looks).toBe(1);
    const concerns = (alertname: string) => index.concerns(variablesOf({ source: 'am', labels: { alertname } }).event);
    expect([concerns('Alert77'), concerns('Alert10000')]).toEqual([true, false]);
    expect(looks).toBe(1);
  });
});
