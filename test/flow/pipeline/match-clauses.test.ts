import { describe, expect, it } from 'vitest';
import { createTriggerIndex, failedClause, labelOf, matchesLabels } from '../../../src/flow/pipeline/match.ts';
import type { EventVariables, LabelMatch, Trigger } from '../../../src/ports/runbook.ts';
import { sampleAlert, sampleEvent } from '../../contracts/samples.ts';
import { runbookOf } from '../place.ts';

const trigger = (facts: Partial<Trigger> = {}): Trigger => ({
  source: 'am',
  kind: null,
  match: [],
  where: null,
  whereText: null,
  params: () => ({}),
  ...facts,
});
const equals = (label: string, value: string): LabelMatch => ({ label, kind: 'equals', value });
const among = (label: string, ...values: string[]): LabelMatch => ({ label, kind: 'in', values });
const like = (label: string, pattern: string): LabelMatch => ({
  label,
  kind: 're',
  pattern,
  test: text => new RegExp(`^(${pattern})$`).test(text),
});
const fires = (labels: Record<string, string> = {}, source = 'am'): EventVariables => ({
  event: sampleEvent({ labels }, { source }),
  alert: sampleAlert(),
});
const throws = () => {
  throw new Error('no such key');
};

describe('a clause that fails', () => {
  it.each<[string, Partial<Trigger>, Record<string, string>, string | null]>([
    ['no clause', {}, {}, null],
    ['another source', { source: 'pd' }, {}, 'source is am, not pd'],
    ['another value', { match: [equals('env', 'prod')] }, { env: 'dev' }, 'env is "dev", not "prod"'],
    ['the value', { match: [equals('env', 'prod')] }, { env: 'prod' }, null],
    ['no such label', { match: [equals('env', 'prod')] }, {}, 'env is "", not "prod"'],
    ['none is wanted', { match: [equals('env', '')] }, {}, null],
    ['none of a list', { match: [among('env', 'a', 'b')] }, { env: 'c' }, 'env is "c", not one of "a", "b"'],
    ['one of a list', { match: [among('env', 'a', 'b')] }, { env: 'b' }, null],
    ['nothing is in an empty list', { match: [among('env')] }, {}, 'env is "", not one of '],
    ['another pattern', { match: [like('env', 'a.')] }, { env: 'b1' }, 'env is "b1", not matching a.'],
    ['the pattern', { match: [like('env', 'a.')] }, { env: 'a1' }, null],
    ['the second of two', { match: [equals('a', '1'), equals('b', '2')] }, { a: '1', b: '3' }, 'b is "3", not "2"'],
    ['where holds', { where: () => true, whereText: 'x' }, {}, null],
    ['where does not', { where: () => false, whereText: 'x > 1' }, {}, 'where is false: x > 1'],
    ['where cannot be evaluated', { where: throws, whereText: 'x' }, {}, 'where failed: no such key'],
  ])('%s', (_, facts, labels, because) => {
    expect(failedClause(trigger(facts), fires(labels))).toBe(because);
  });

  it('names the kind', () => {
    expect(failedClause(trigger({ kind: 'tick' }), fires())).toBe('kind is alert, not tick');
  });
});

describe('labels', () => {
  it('read as empty where they are missing, also under names that every object has', () => {
    const { event } = fires({ env: 'prod' });
    expect([labelOf(event, 'env'), labelOf(event, 'none')]).toEqual(['prod', '']);
    expect(['constructor', '__proto__', 'toString'].map(name => labelOf(event, name))).toEqual(['', '', '']);
  });

  it('match when all clauses hold', () => {
    const { event } = fires({ a: '1', b: '2' });
    expect(matchesLabels([], event)).toBe(true);
    expect(matchesLabels([equals('a', '1'), among('b', '2', '3')], event)).toBe(true);
    expect(matchesLabels([equals('a', '1'), among('b', '3')], event)).toBe(false);
    expect(matchesLabels([equals('a', '2'), among('b', '2')], event)).toBe(false);
  });
});

describe('the index', () => {
  const index = (...triggers: Trigger[][]) =>
    createTriggerIndex(triggers.map((all, n) => runbookOf(`r${n}`, { triggers: all })));
  const found = (one: ReturnType<typeof index>, variables: EventVariables) =>
    one.match(variables).map(({ runbook, because }) => [runbook.id, because]);

  it('says why a runbook matches, by each of its clauses', () => {
    const all = index(
      [trigger()],
      [trigger({ kind: 'alert' })],
      [trigger({ match: [equals('a', '1'), among('b', '2', '3'), like('c', '.*')] })],
      [trigger({ match: [equals('a', '1')], where: () => true, whereText: 'labels.b != ""' })],
      [trigger({ where: () => true, whereText: 'true' })],
      [trigger({ source: 'pd' })],
    );
    expect(found(all, fires({ a: '1', b: '2', c: '3' }))).toEqual([
      ['r0', 'any event of am'],
      ['r1', 'any alert of am'],
      ['r2', 'a is "1" and b is one of "2", "3" and c is matching .*'],
      ['r3', 'a is "1" and labels.b != ""'],
      ['r4', 'true'],
    ]);
    expect(found(all, fires({}, 'none'))).toEqual([]);
    expect(found(all, fires({}, 'pd'))).toEqual([['r5', 'any event of pd']]);
  });

  it('takes the first trigger of a runbook that holds, in whatever order it looks at them', () => {
    const first = trigger({ match: [like('a', '.*')], params: () => ({ from: 'first' }) });
    const second = trigger({ match: [equals('a', '1')], params: () => ({ from: 'second' }) });
    const params = (...triggers: Trigger[]) => index(triggers).match(fires({ a: '1' }))[0]?.params;
    expect(params(first, second)).toEqual({ from: 'first' });
    expect(params(second, first)).toEqual({ from: 'second' });
    expect(params(trigger({ match: [equals('a', '2')] }), first, second)).toEqual({ from: 'first' });
  });

  it('names runbooks in the order of their names, each once, with their parameters', () => {
    const twice = [trigger({ match: [among('a', '1', '1', '2')] }), trigger({ match: [equals('a', '1')] })];
    const all = createTriggerIndex(['c', 'a', 'b'].map(id => runbookOf(id, { triggers: twice })));
    expect(all.match(fires({ a: '1' })).map(one => [one.runbook.id, one.params, one.trigger])).toEqual(
      ['a', 'b', 'c'].map(id => [id, {}, twice[0]]),
    );
  });

  it('keeps one whose parameters cannot be made of the event, or are not those it declares, with the reason', () => {
    const all = createTriggerIndex([
      runbookOf('a', { triggers: [trigger({ params: throws })] }),
      runbookOf('b', { triggers: [trigger()], params: { parse: throws } }),
    ]);
    expect(all.match(fires()).map(one => [one.params, one.because])).toEqual(Array(2).fill([null, 'no such key']));
  });

  it('knows without a look at a clause which events concern nobody', () => {
    let looks = 0;
    const where = () => {
      looks++;
      return true;
    };
    const all = index(
      [trigger({ match: [like('x', '.*'), equals('a', '1')], where, whereText: 'x' })],
      [trigger({ match: [like('x', '.*'), among('b', '2', '3')], where, whereText: 'x' })],
      [trigger({ source: 'pd', where, whereText: 'x' })],
    );
    const concerns = (labels: Record<string, string>, source?: string) => all.concerns(fires(labels, source).event);
    expect([concerns({}), concerns({ a: '2' }), concerns({ b: '1' }), concerns({}, 'none')]).toEqual(
      Array(4).fill(false),
    );
    for (const labels of [{}, { a: '2' }, { b: '1' }] as Record<string, string>[])
      expect(found(all, fires(labels))).toEqual([]);
    expect(looks).toBe(0);
    expect([concerns({ a: '1' }), concerns({ b: '2' }), concerns({ b: '3' }), concerns({}, 'pd')]).toEqual(
      Array(4).fill(true),
    );
    expect(found(all, fires({ a: '1' }))).toHaveLength(1);
    expect(looks).toBe(1);
    // An equality is looked up rather than a list, wherever it stands.
    const both = index([trigger({ match: [among('b', '2'), equals('a', '1')], where, whereText: 'x' })]);
    expect(both.concerns(fires({ b: '2' }).event)).toBe(false);
    expect(both.concerns(fires({ a: '1' }).event)).toBe(true);
  });

  it('of a trigger without a clause to look up is concerned by every event of its source', () => {
    const all = index([trigger({ match: [like('x', 'a')] })]);
    expect([all.concerns(fires().event), all.concerns(fires({}, 'pd').event)]).toEqual([true, false]);
  });
});
