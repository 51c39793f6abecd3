import { afterEach, expect, it } from 'vitest';
import { type Place, startPlace } from '../flow/origin/reconcile-place.ts';

let place: Place;
afterEach(() => place.close());

it('what an operator closed is not opened again by the very next lists, for ever', async () => {
  place = await startPlace({ options: ', receiver: tocsin' });
  const held = place.held('Disk');
  place.double.alerts.push(held);
  await place.deliver(held, 'firing');
  const { id } = await place.untilAlert('Disk', { state: 'firing' });
  for (let turn = 0; turn < 2; turn++) {
    await place.app.call('POST', `/api/v1/alerts/${id}/close`, { body: { reason: 'a false alarm' } });
    await place.untilAlert('Disk', { state: 'resolved' });
    await place.rounds(4);
  }
  expect((await place.effects('Disk')).filter(effect => effect === 'reopened')).toHaveLength(0);
});
