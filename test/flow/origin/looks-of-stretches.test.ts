import { afterEach, describe, expect, it } from 'vitest';
import { openPlace, type Place } from './place.ts';

const verify = `
title: Fix it
risk: low
on: [{ source: pagerduty }]
steps:
  - { id: gone, verify: { resolved: true, within: 10m, apart: 5m } }
`;

let place: Place;
afterEach(() => place.close());

describe('two looks apart', () => {
  it('that are of this stretch: what an earlier one left says nothing', async () => {
    place = await openPlace(() => ({
      'policy.yaml': 'rules: [{ name: all, decide: auto }]',
      'runbooks/fix.yaml': verify,
    }));
    const { store } = place.app.app;
    await place.incident('QAGAIN');
    const alert = await place.app.until(() => store.alertOf('pagerduty', 'QAGAIN'));
    const first = await place.app.until(async () => (await place.app.runs())[0]);
    // An hour ago a look of the first stretch did not find it; PagerDuty never says that something fires, so nothing took that back.
    await place.app.app.store.commit({
      rows: [{ table: 'look', doc: { alert: alert.id, at: null, endsAt: null, goneAt: Date.now() - 3_600_000 } }],
    });
    await place.incident('QAGAIN', 'resolved');
    await place.app.ended(first.id);
    const reopened = new Date(Date.now() - 60_000).toISOString();
    // It was reopened, and somebody resolves it there at once; no webhook tells that yet.
    await place.incident('QAGAIN', 'triggered', { reopened_at: reopened });
    await place.app.until(async () => (await store.alert(alert.id))?.episode === 2);
    const second = await place.app.until(async () => (await place.app.runs()).find(run => run.episode === 2));
    await place.app.until(async () => {
      const run = await store.run(second.id);
      return run?.finishedAt !== null || run.steps.some(step => step.state === 'waiting');
    });
    expect((await store.run(second.id))?.state).toBe('waiting');
  });
});
