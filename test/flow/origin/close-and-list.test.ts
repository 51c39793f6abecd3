import { afterEach, expect, it } from 'vitest';
import { type Place, startPlace } from './reconcile-place.ts';

let place: Place;
afterEach(() => place.close());

it('what an operator closed is not opened again by lists that still have it, but by its sender', async () => {
  place = await startPlace({ options: ', receiver: tocsin' });
  const held = place.held('Disk');
  place.double.alerts.push(held);
  await place.deliver(held, 'firing');
  const { id } = await place.untilAlert('Disk', { state: 'firing' });
  await place.app.call('POST', `/api/v1/alerts/${id}/close`, { body: { reason: 'a false alarm' } });
  await place.untilAlert('Disk', { state: 'resolved' });
  await place.rounds(4);
  expect((await place.effects('Disk')).filter(effect => effect === 'reopened')).toHaveLength(0);
  await place.deliver(held, 'firing');
  await place.untilAlert('Disk', { state: 'firing', episode: 1 });
});
