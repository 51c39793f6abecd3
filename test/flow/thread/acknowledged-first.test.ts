import { afterEach, describe, expect, it } from 'vitest';
import { openPlace, type Place } from '../origin/place.ts';

let place: Place;
afterEach(() => place.close());

describe('an incident whose trigger never came', () => {
  it('that was acknowledged and then resolved: its root says that it is resolved, and has no buttons of a live alert', async () => {
    place = await openPlace(() => ({}));
    const { store } = place.app.app;
    await place.incident('QACK', 'acknowledged');
    const alert = await place.app.until(() => store.alertOf('pagerduty', 'QACK'));
    const root = () => store.post('console', `alert/${alert.id}/1`);
    const before = await place.app.until(root);
    expect(before.card.buttons.map(({ label }) => label)).toContain('Undo acknowledge');
    await place.incident('QACK', 'resolved');
    await place.app.until(async () => (await store.alert(alert.id))?.state === 'resolved');
    await place.app.until(async () =>
      (await store.posts({ platform: 'console', thread: `alert/${alert.id}/1`, limit: 100 })).find(post =>
        post.card.title.startsWith('Resolved'),
      ),
    );
    const after = await root();
    expect([after?.card.badge, after?.card.buttons.map(({ label }) => label)]).toEqual([
      expect.stringContaining('resolved'),
      ['Never again (30d)', 'Details'],
    ]);
  });
});
