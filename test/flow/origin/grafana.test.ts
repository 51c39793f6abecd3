import { afterEach, describe, expect, test } from 'vitest';
import type { GrafanaDouble } from '../../doubles/grafana.ts';
import { type Place, startGrafanaPlace } from './reconcile-place.ts';

let place: Place<GrafanaDouble>;
afterEach(() => place.close());

const verified = {
  'runbooks/fix.yaml': `
title: Fix
risk: none
on: [{ source: alertmanager }]
params: {}
steps: [{ id: fix, exec: ["true"] }, { id: gone, verify: { resolved: true, within: 20m } }]
`,
  'policy.yaml': 'rules: [{ name: all, decide: auto }]',
};

describe('alerts of Grafana', () => {
  test('are not over when Grafana restarts and has told its Alertmanager of nothing yet', async () => {
    place = await startGrafanaPlace();
    const alert = place.held('Kept');
    await place.deliver(alert, 'firing');
    place.double.alerts = [alert];
    place.double.rules = [{ labels: alert.labels, state: 'Alerting' }];
    await place.rounds(2);
    place.double.alerts = [];
    await place.rounds(5);
    expect((await place.alert('Kept'))?.state).toBe('firing');
    // A round is over for Grafana when it has answered, and for Tocsin a moment later.
    const fault = async () => (await place.app.call('GET', '/readyz')).body.parts['reconcile alertmanager'];
    await expect
      .poll(fault, { timeout: 20_000 })
      .toContain('a rule of Grafana fires that its Alertmanager does not list');
    place.double.alerts = [alert];
    await place.rounds(1);
    await expect.poll(fault, { timeout: 20_000 }).toBeNull();
    expect(await place.effects('Kept')).toEqual(['opened']);
  });

  test('are over when neither the list nor a rule has them', async () => {
    place = await startGrafanaPlace();
    const alert = place.held('Gone');
    await place.deliver(alert, 'firing');
    place.double.alerts = [alert];
    place.double.rules = [{ labels: alert.labels, state: 'Alerting' }];
    await place.rounds(2);
    place.double.alerts = [];
    place.double.rules = [{ labels: alert.labels, state: 'Normal' }];
    await place.rounds(2);
    expect(await place.untilAlert('Gone', { state: 'resolved' })).toMatchObject({ end: { how: 'gone' } });
  });

  test('that were resolved without a cure do not make a run succeed', async () => {
    place = await startGrafanaPlace({ files: verified, url: false });
    const alert = place.held('Paused');
    await place.deliver(alert, 'firing');
    const [run] = await place.app.until(async () => {
      const runs = await place.app.runs();
      return runs[0]?.state === 'waiting' || runs[0]?.steps.some(step => step.state === 'waiting') ? runs : null;
    });
    const annotations = { grafana_state_reason: 'Paused' };
    await place.deliver({ ...alert, annotations }, 'resolved');
    const ended = await place.app.ended(run?.id ?? '');
    expect(ended.state).toBe('unconfirmed');
    expect(await place.alert('Paused')).toMatchObject({
      state: 'resolved',
      end: { how: 'expired', because: 'no evaluation found it well: its rule was paused' },
    });
  });

  test('get the outcome of their runs as an annotation, once, where it is asked for', async () => {
    const files = { ...verified, 'runbooks/fix.yaml': verified['runbooks/fix.yaml'].replace(/, \{ id: gone.*\}/, '') };
    place = await startGrafanaPlace({ files, options: ', annotate: true' });
    await place.deliver(place.held('Noted'), 'firing');
    const [annotation] = await place.app.until(async () => {
      const told = (await place.app.journal()).some(({ fact }) => fact.kind === 'origin.told' && fact.what === 'note');
      return told && place.double.annotations.length > 0 ? place.double.annotations : null;
    });
    expect(annotation?.text).toMatch(/^Tocsin: .*Fix/);
    expect(annotation?.tags).toEqual(['tocsin', expect.stringMatching(/^tocsin-note\/run_[^:]+$/)]);
    expect(place.double.annotations).toHaveLength(1);
  });
});
