import { afterEach, expect, it } from 'vitest';
import { type Place, startPlace } from '../origin/reconcile-place.ts';

let place: Place;
afterEach(() => place.close());

it('a press here does not end a silence at its origin, and says so', async () => {
  place = await startPlace();
  const held = place.held('Disk');
  place.double.alerts.push(held);
  await place.deliver(held, 'firing');
  const known = await place.untilAlert('Disk', { state: 'firing' });
  const until = place.clock.now() + 3_600_000;
  const muted = { ...known, state: 'silenced' as const, silencedAtOrigin: { by: 'mina', until } };
  await place.store.commit({ rows: [{ table: 'alert', doc: muted }] });
  const silence = `/api/v1/alerts/${known.id}/silence`;
  const kinds = async () => (await place.entries('Disk')).map(({ fact }) => fact.kind);
  const refused = await place.app.call('DELETE', silence);
  expect([refused.status, JSON.stringify(refused.body)]).toEqual([
    409,
    expect.stringContaining('alertmanager keeps it silenced (mina)'),
  ]);
  expect(await kinds()).toEqual(['event.accepted']);
  // A silence of this place is ended, and the other one is named.
  await place.app.call('POST', silence, { body: { for: '1h' } });
  const ended = await place.app.call('DELETE', silence);
  expect(ended.status).toBe(200);
  expect(await kinds()).toEqual(['event.accepted', 'alert.silenced', 'alert.unsilenced']);
  expect(await place.untilAlert('Disk', {})).toMatchObject({ state: 'silenced', silencedUntil: null });
});
