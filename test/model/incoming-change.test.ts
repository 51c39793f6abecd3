import { describe, expect, test } from 'vitest';
import { longestChange } from '../../src/model/change.ts';
import { incomingEvent } from '../../src/model/event.ts';
import { type ChangeFacts, changeOf } from '../../src/model/incoming-change.ts';

const least: ChangeFacts = {
  title: 'dana pushed',
  labels: { branch: 'main' },
  occurredAt: 1,
  action: 'push',
  resource: { type: 'branch', id: 'acme/checkout:main' },
  outcome: 'success',
};

describe('a change', () => {
  test('has only what is known: nothing, null and blanks are left out', () => {
    const common = { kind: 'change', title: 'dana pushed', labels: { branch: 'main' }, links: [], occurredAt: 1 };
    const known = { ...common, action: 'push', resource: least.resource, outcome: { state: 'success' } };
    expect(changeOf(least)).toEqual(known);
    const blanks = { actor: { name: ' ', id: '' }, before: { digest: null }, after: { facts: { a: ' ', b: null } } };
    expect(changeOf({ ...least, ...blanks, account: null, environment: '', changeId: ' ' })).toEqual(known);
    expect(changeOf({ ...least, outcome: { error: '' } }).outcome).toEqual({ state: 'failure' });
  });

  test('says who, what stood and stands there, where, and why it failed', () => {
    expect(
      changeOf({
        ...least,
        actor: { id: 'arn:aws:iam::1:user/dana', type: 'IAMUser' },
        before: { digest: 'a'.repeat(40) },
        after: { facts: { image: 'checkout:2', replicas: '3' } },
        account: '1',
        environment: 'production',
        outcome: { error: 'AccessDenied' },
        changeId: 'c1',
      }),
    ).toMatchObject({
      actor: { name: 'arn:aws:iam::1:user/dana', id: 'arn:aws:iam::1:user/dana', type: 'IAMUser' },
      before: { as: 'digest', digest: 'a'.repeat(40) },
      after: { as: 'facts', facts: { image: 'checkout:2', replicas: '3' } },
      account: '1',
      environment: 'production',
      outcome: { state: 'failure', error: 'AccessDenied' },
      changeId: 'c1',
    });
  });

  test('stays within its limits, and two long ids stay two', () => {
    const long = 'x'.repeat(5000);
    const facts = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`${index}${long}`, `\0${long}`]));
    const made = (end: string) =>
      changeOf({
        ...least,
        title: long,
        actor: { name: long, id: long, type: long },
        action: `${long}\0`,
        resource: { type: long, id: long + end, name: long },
        before: { facts },
        after: { digest: long },
        account: long,
        environment: long,
        outcome: { error: long },
        changeId: long,
      });
    const one = made('1');
    expect(incomingEvent.parse(one)).toEqual(one);
    expect(one.resource.id).not.toBe(made('2').resource.id);
    expect(one.before?.as === 'facts' && Object.keys(one.before.facts)).toHaveLength(longestChange.facts);
    expect(JSON.stringify(one).length).toBeLessThan(50_000);
  });

  test('without words for the action or the thing still is one', () => {
    expect(changeOf({ ...least, action: '', resource: { type: ' ', id: '' } })).toMatchObject({
      action: 'unknown',
      resource: { type: 'unknown', id: 'unknown' },
    });
    const facts = JSON.parse('{"__proto__":"x","constructor":"y"}');
    const made = changeOf({ ...least, after: { facts } });
    expect(made.after?.as === 'facts' && Object.entries(made.after.facts)).toEqual([['constructor', 'y']]);
  });
});

test.each([
  ['an outcome of success with an error', { outcome: { state: 'success', error: 'x' } }, { state: 'success' }],
  ['an unknown outcome', { outcome: { state: 'maybe' } }, null],
  ['no outcome', { outcome: undefined }, null],
  ['no resource', { resource: undefined }, null],
  ['an endless action', { action: 'x'.repeat(201) }, null],
])('the schema: %s', (_name, more, outcome) => {
  const parsed = incomingEvent.safeParse({ ...changeOf(least), ...more });
  expect(parsed.success).toBe(outcome !== null);
  if (parsed.success) expect(parsed.data).toMatchObject({ outcome });
  if (parsed.success && parsed.data.kind === 'change') expect(parsed.data.outcome).toEqual(outcome);
});
