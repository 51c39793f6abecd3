import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deploy, eventsOf, fold, run, suite } from './bodies.ts';

type Make = (created: string, ended: string, result: 'bad' | 'good', more?: object) => object;
const kinds: [string, string, Make][] = [
  ['a workflow', 'workflow_run', (c, e, r, more) => run(c, e, r === 'bad' ? 'failure' : 'success', more)],
  ['checks of an app', 'check_suite', (c, e, r) => suite(c, e, r === 'bad' ? 'timed_out' : 'success')],
  ['deployments', 'deployment_status', (c, e, r) => deploy(c, e, r === 'bad' ? 'error' : 'success')],
];

describe.each(kinds)('%s', (_what, event, make) => {
  const arrive = (...bodies: object[]) => fold(bodies.flatMap(body => eventsOf(event, body)));

  test('fails, goes on failing, and is well with a later success: one episode', () => {
    const { alert, effects } = arrive(
      make('10:00', '10:05', 'bad'),
      make('10:10', '10:15', 'bad'),
      make('10:20', '10:25', 'good'),
    );
    expect(effects).toEqual(['opened', 'refreshed', 'resolved']);
    expect(alert).toMatchObject({ state: 'resolved', episode: 1, resolvedAt: Date.parse('2026-11-20T10:25:00Z') });
  });

  test('fails anew after a success: the next episode', () => {
    const { alert, effects } = arrive(
      make('10:00', '10:05', 'bad'),
      make('10:10', '10:15', 'good'),
      make('10:20', '10:25', 'bad'),
    );
    expect(effects).toEqual(['opened', 'resolved', 'opened']);
    expect(alert).toMatchObject({ state: 'firing', episode: 2 });
  });

  test('a failure that is older than a known success opens nothing, however late it ended', () => {
    expect(arrive(make('10:10', '10:12', 'good'), make('10:00', '10:05', 'bad')).effects).toEqual(['unseen', 'stale']);
    expect(arrive(make('10:10', '10:12', 'good'), make('10:00', '10:30', 'bad')).effects).toEqual(['unseen', 'stale']);
    const many = arrive(
      make('10:00', '10:01', 'good'),
      make('10:10', '10:12', 'good'),
      make('10:20', '10:22', 'good'),
      make('10:15', '10:40', 'bad'),
    );
    expect(many.alert).toMatchObject({ state: 'resolved', count: 0 });
  });

  test('a success that is older than a known failure resolves nothing, however late it ended', () => {
    const { alert, effects } = arrive(make('10:10', '10:12', 'bad'), make('10:00', '10:30', 'good'));
    expect(effects).toEqual(['opened', 'stale']);
    expect(alert?.state).toBe('firing');
  });

  test('a newer failure counts although the older success ended after it', () => {
    const { alert } = arrive(make('10:00', '10:30', 'good'), make('10:10', '10:12', 'bad'));
    expect(alert?.state).toBe('firing');
    const before = arrive(make('10:00', '10:01', 'bad'), make('10:05', '10:30', 'good'), make('10:10', '10:12', 'bad'));
    expect(before.alert?.state).toBe('firing');
  });

  test('a newer success counts although the older failure ended after it, and arrived first', () => {
    const { alert } = arrive(make('10:00', '10:30', 'bad'), make('10:10', '10:12', 'good'));
    expect(alert?.state).toBe('resolved');
  });

  test('in whatever order results arrive, the run that was created last decides', () => {
    const results = fc.uniqueArray(
      fc.record({ minute: fc.integer({ min: 0, max: 29 }), takes: fc.integer({ min: 1, max: 29 }), bad: fc.boolean() }),
      { selector: one => one.minute, minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(results, all => {
        const clock = (minute: number) => `10:${String(minute).padStart(2, '0')}`;
        const { alert } = arrive(
          ...all.map(one => make(clock(one.minute), clock(one.minute + one.takes), one.bad ? 'bad' : 'good')),
        );
        const newest = all.toSorted((one, other) => one.minute - other.minute).at(-1);
        expect(alert?.state).toBe(newest?.bad ? 'firing' : 'resolved');
      }),
      { numRuns: 300 },
    );
  });
});

describe('attempts of one run', () => {
  const attempt = (number: number, conclusion: string) =>
    eventsOf('workflow_run', run('10:00', `10:${number}0`, conclusion, { run_attempt: number }));

  test('the later decides, in whatever order they arrive', () => {
    expect(fold([...attempt(1, 'failure'), ...attempt(2, 'success')]).effects).toEqual(['opened', 'resolved']);
    expect(fold([...attempt(2, 'success'), ...attempt(1, 'failure')]).effects).toEqual(['unseen', 'stale']);
    expect(fold([...attempt(2, 'failure'), ...attempt(1, 'success')]).effects).toEqual(['opened', 'stale']);
    const third = [...attempt(1, 'failure'), ...attempt(2, 'success'), ...attempt(3, 'failure')];
    expect(fold(third).alert).toMatchObject({ state: 'firing' });
  });

  test('an attempt of an older run says nothing against a newer run', () => {
    const newer = eventsOf('workflow_run', run('10:30', '10:35', 'failure'));
    const again = eventsOf('workflow_run', run('10:00', '10:50', 'success', { run_attempt: 2 }));
    expect(fold([...newer, ...again]).effects).toEqual(['opened', 'stale']);
    expect(fold([...again, ...newer]).alert?.state).toBe('firing');
  });

  test('of a deployment the later status decides', () => {
    const failed = eventsOf('deployment_status', deploy('10:00', '10:05', 'failure'));
    const done = eventsOf('deployment_status', deploy('10:00', '10:06', 'success'));
    expect(fold([...failed, ...done]).effects).toEqual(['opened', 'resolved']);
    expect(fold([...done, ...failed]).effects).toEqual(['unseen', 'stale']);
  });
});

test('a time that is ahead of ours, or none, counts as the arrival', () => {
  const ahead = eventsOf('workflow_run', run('10:00', '10:05', 'failure', { created_at: '2030-01-01T00:00:00Z' }));
  expect(ahead).toMatchObject([{ kind: 'alert', startsAt: Date.parse('2026-11-20T10:05:00Z') }]);
  expect(ahead[0]).not.toHaveProperty('newsAt');
  const none = eventsOf('workflow_run', run('10:00', '10:05', 'failure', { created_at: null, updated_at: 7 }));
  expect(none).toMatchObject([{ kind: 'alert', startsAt: 1_795_604_410_000, occurredAt: 1_795_604_410_000 }]);
});
