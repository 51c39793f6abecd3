import { describe, expect, test } from 'vitest';
import { type Ailment, isCured, type PodState } from '../../../src/sources/kubernetes/pods.ts';
import { endedBy, levels, problemOf, problems, rulesOf } from '../../../src/sources/kubernetes/problems.ts';
import { kubeEvent, kubeObject } from '../../../src/sources/kubernetes/shapes.ts';
import { fingerprintOf, isAfter, readEvent, readLevels } from '../../../src/sources/kubernetes/sighting.ts';
import { event, withConditions } from './cluster.ts';

const now = Date.parse('2026-11-20T10:00:00Z');

describe('the table of reasons', () => {
  test.each([
    ['NodeReady', 'NodeNotReady'],
    ['Scheduled', 'FailedScheduling'],
    ['SuccessfulCreate', 'FailedCreate'],
    ['ProvisioningSucceeded', 'ProvisioningFailed'],
    ['SuccessfulAttachVolume', 'FailedAttachVolume'],
    ['EnsuredLoadBalancer', 'SyncLoadBalancerFailed'],
  ])('%s ends %s', (ending, problem) => {
    expect(endedBy(ending, true)).toContain(problem);
  });

  test('Started ends a crash loop only where no pods are watched', () => {
    expect(endedBy('Started', false)).toContain('BackOff');
    expect(endedBy('Started', true)).not.toContain('BackOff');
    expect(endedBy('Started', true)).toContain('FailedMount');
  });

  test('no reason is both a problem and an end', () => {
    const ends = new Set(Object.values(problems).flatMap(({ endedBy: list = [] }) => list));
    expect(Object.keys(problems).filter(reason => ends.has(reason))).toEqual([]);
    expect([...ends].filter(reason => problemOf(reason, 'Normal') !== null)).toEqual([]);
  });

  test('every Warning opens an alert, and of the others only those that Kubernetes tells as Normal', () => {
    expect(problemOf('NobodyKnows', 'Warning')).toEqual({ severity: 'warning' });
    expect(problemOf('NobodyKnows', 'Normal')).toBeNull();
    expect(problemOf('BackOff', 'Normal')).toBeNull();
    expect(problemOf('NodeNotReady', 'Normal')).toMatchObject({ severity: 'error' });
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(problemOf(name, 'Normal')).toBeNull();
      expect(rulesOf(name)).toEqual({ severity: 'warning' });
    }
  });
});

describe('conditions', () => {
  const reasonsOf = (kind: 'Node' | 'Deployment', conditions: Record<string, string>) =>
    readLevels(kind, kubeObject.parse(withConditions('x', conditions)), now).map(({ sighting }) => sighting.reason);

  test.each(levels.map(level => [level.reason, level] as const))('%s', (reason, { kind, condition, when }) => {
    const [bad, good] = when === 'True' ? ['True', 'False'] : ['False', 'True'];
    expect(reasonsOf(kind, { [condition]: bad })).toEqual([reason]);
    expect(reasonsOf(kind, { [condition]: good })).toEqual([]);
    expect(reasonsOf(kind, { [condition]: 'Unknown' })).toEqual(when === 'not True' ? [reason] : []);
  });

  test('what nobody knows is no problem: some conditions are good when they are true', () => {
    expect(reasonsOf('Node', { EtcdIsVoter: 'True' })).toEqual([]);
  });
});

describe('the cure of a pod', () => {
  const pod = (over: Partial<PodState>): PodState => ({
    uid: 'u',
    created: 0,
    scheduled: true,
    readySince: null,
    succeeded: false,
    containers: new Map(),
    ...over,
  });
  const ailing = (over: Partial<Ailment>): Ailment => ({
    cure: 'running',
    container: 'c',
    last: now,
    heardAt: now,
    ...over,
  });
  const running = (runningSince: number | null, ready = true) => ({
    containers: new Map([['c', { runningSince, ready }]]),
  });
  const cured = (state: Partial<PodState>, ailment: Partial<Ailment>, at = now + 300_000) =>
    isCured(pod(state), ailing(ailment), { now: at, steady: 120_000 });

  test.each<[string, boolean, Partial<PodState>, Partial<Ailment>, number?]>([
    ['it has run steadily since', true, running(now + 1000), {}],
    ['it runs, but not for long', false, running(now + 200_000), {}],
    ['it runs, but is not ready', false, running(now + 1000, false), {}],
    ['it ran before the event', false, running(now - 1000), {}],
    ['it waits', false, running(null), {}],
    ['another container runs', false, running(now + 1000), { container: 'd' }],
    ['its container is not told, and all run', true, running(now + 1000), { container: '' }],
    ['it was started', true, running(now + 1000), { cure: 'started' }],
    ['it was started before', false, running(now - 1000), { cure: 'started' }],
    ['it became ready', true, { readySince: now + 1000 }, { cure: 'ready' }],
    ['it was ready all the time, and events may be held back', false, { readySince: now - 1000 }, { cure: 'ready' }],
    [
      'it was ready all the time, for longer than events are held back',
      true,
      { readySince: now - 1000 },
      { cure: 'ready' },
      now + 361_000,
    ],
    ['it has a node', true, {}, { cure: 'scheduled' }],
    ['it has none', false, { scheduled: false }, { cure: 'scheduled' }],
    ['nothing tells it', false, running(now + 1000), { cure: undefined }],
    ['it ended well', true, { succeeded: true }, { cure: undefined }],
  ])('%s: %s', (_what, wanted, state, ailment, at) => {
    expect(cured(state, ailment, at)).toBe(wanted);
  });
});

describe('an Event', () => {
  const read = (given: object) => readEvent(kubeEvent.parse(given), now);

  test('made through events.k8s.io has its count in a series', () => {
    const given = { ...event('x', 'FailedScheduling'), count: undefined, firstTimestamp: null, lastTimestamp: null };
    const series = { count: 31, lastObservedTime: '2026-11-20T09:21:40.654321Z' };
    expect(read({ ...given, eventTime: '2026-11-20T09:14:07.123456Z', series })).toMatchObject({
      count: 31,
      first: Date.parse('2026-11-20T09:14:07.123Z'),
      last: Date.parse('2026-11-20T09:21:40.654Z'),
    });
  });

  test('is as new as the API server wrote it, whatever the clock of its reporter says', () => {
    const behind = read({
      ...event('x', 'BackOff', { at: now - 60_000 }),
      metadata: { name: 'x', managedFields: [{ time: '2026-11-20T10:00:01Z' }] },
    });
    const ahead = read({
      ...event('x', 'Started', { at: now + 60_000 }),
      metadata: { name: 'y', managedFields: [{ time: '2026-11-20T10:00:00Z' }] },
    });
    if (behind === null || ahead === null) throw new Error('both are about something');
    expect([isAfter(behind, ahead), isAfter(ahead, behind)]).toEqual([true, false]);
  });

  test('about nothing is none, and no name passes for two', () => {
    expect(read({ ...event('x', 'BackOff'), involvedObject: {} })).toBeNull();
    const subject = { kind: 'Pod', namespace: 'a', name: 'b', reason: 'r', container: '' };
    expect(fingerprintOf({ ...subject, name: 'b/r' })).not.toBe(
      fingerprintOf({ ...subject, container: 'r', reason: 'r' }),
    );
  });
});
