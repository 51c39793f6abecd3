import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { IncomingAlert, IncomingEvent } from '../../../src/model/event.ts';
import type { EmitTools } from '../../../src/ports/emit.ts';
import { createDesk } from '../../../src/sources/kubernetes/desk.ts';
import { followEvents } from '../../../src/sources/kubernetes/follow-events.ts';
import { followPods } from '../../../src/sources/kubernetes/follow-pods.ts';
import { options as schema } from '../../../src/sources/kubernetes/options.ts';
import type { PodState } from '../../../src/sources/kubernetes/pods.ts';
import { idleTools } from '../idle-tools.ts';
import { event, pod } from './cluster.ts';

/** The followers of events and pods, whose streams a test brings in whatever order; and what they told. */
function makePlace() {
  const told: string[] = [];
  const clock = {
    ...systemClock,
    ahead: 0,
    now: () => Date.now() + clock.ahead,
    monotonic: () => performance.now() + clock.ahead,
  };
  const tools: EmitTools & { signal: AbortSignal } = {
    ...idleTools,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
    async emit(events: IncomingEvent[]) {
      for (const one of events as IncomingAlert[])
        told.push(
          `${one.labels['reason']} ${one.labels['name']} ${one.state}${one.noCure === undefined ? '' : ' uncured'}`,
        );
      return true;
    },
  };
  const desk = createDesk(schema.parse({ access: 'in-cluster' }), 'https://x', tools, () => false);
  const pods = new Map<string, PodState>();
  const podsFollower = followPods(null, pods, desk, () => clock.ahead);
  return {
    told,
    clock,
    desk,
    events: followEvents(null, false, desk),
    pods: podsFollower,
    sweep: async () => desk.commit(await podsFollower.sweep()),
  };
}

const change = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: object) => [{ type, object }];

describe('streams that run at different paces', () => {
  test('an event that comes before its pod is not about a pod that is gone', async () => {
    const place = makePlace();
    await place.pods.listed([], '1', Date.now());
    await place.events.changed(change('ADDED', event('x', 'FailedMount')), '2');
    await place.sweep();
    expect(place.told).toEqual(['FailedMount checkout-1 firing']);
    await place.pods.changed(change('ADDED', pod('checkout-1')), '1');
    place.clock.ahead = 120_000;
    await place.sweep();
    expect(place.told).toEqual(['FailedMount checkout-1 firing']);
    await place.pods.changed(change('DELETED', pod('checkout-1')), '3');
    expect(place.told).toEqual(['FailedMount checkout-1 firing', 'FailedMount checkout-1 resolved uncured']);
  });

  test('an event of a pod that never comes is over after a while', async () => {
    const place = makePlace();
    await place.pods.listed([], '1', Date.now());
    await place.events.changed(change('ADDED', event('x', 'FailedKillPod')), '2');
    await place.sweep();
    place.clock.ahead = 59_000;
    await place.sweep();
    expect(place.told).toHaveLength(1);
    place.clock.ahead = 61_000;
    await place.sweep();
    expect(place.told).toEqual(['FailedKillPod checkout-1 firing', 'FailedKillPod checkout-1 resolved uncured']);
  });

  test('a pod of the same name is another one: its state cures nothing of the first, and late news of the first ends nothing of it', async () => {
    const place = makePlace();
    await place.pods.listed([pod('db-0', { uid: 'old' })], '1', Date.now());
    await place.events.changed(change('ADDED', event('x', 'FailedMount', { object: 'db-0', uid: 'new' })), '2');
    await place.pods.changed(change('MODIFIED', pod('db-0', { uid: 'old', runningSince: Date.now() + 5000 })), '3');
    await place.pods.changed(change('DELETED', pod('db-0', { uid: 'old' })), '4');
    await place.sweep();
    expect(place.told).toEqual(['FailedMount db-0 firing']);
    await place.pods.changed(change('ADDED', pod('db-0', { uid: 'new', runningSince: Date.now() + 5000 })), '5');
    expect(place.told).toEqual(['FailedMount db-0 firing', 'FailedMount db-0 resolved']);
  });

  test('what does not parse is left out, and the rest is told', async () => {
    const place = makePlace();
    const odd = [
      null,
      7,
      'text',
      [],
      {},
      { metadata: 7 },
      { metadata: {}, involvedObject: { kind: {} } },
      { ...event('x', 'A'), involvedObject: null },
    ];
    const deep = {
      ...event('x', 'B\u0000\ud800', { object: '\u0000' }),
      message: 'x'.repeat(100_000),
      count: 1e300,
      firstTimestamp: 'never',
    };
    await place.events.changed(
      [...odd, deep, event('y', 'FailedMount')].map(object => ({ type: 'ADDED' as const, object })),
      '2',
    );
    await place.pods.changed(
      odd.map(object => ({ type: 'MODIFIED' as const, object })),
      '2',
    );
    expect(place.told.at(-1)).toBe('FailedMount checkout-1 firing');
    expect(place.told).toHaveLength(2);
  });

  test('what the store would refuse for ever is left out, and holds up nothing', async () => {
    const place = makePlace();
    await place.events.changed(change('ADDED', event('x', 'FailedMount')), '2');
    const told = [...place.desk.tracker.open()][0]?.told;
    if (told === undefined) throw new Error('it was told');
    await place.desk.commit([
      { ...told, startsAt: 1.5 },
      { ...told, state: 'resolved' },
    ]);
    expect(place.told).toEqual(['FailedMount checkout-1 firing', 'FailedMount checkout-1 resolved']);
  });
});
