import { afterEach, describe, expect, test } from 'vitest';
import type { Alert } from '../../../src/model/alert.ts';
import { type Place, startPlace } from './reconcile-place.ts';

/** A runbook that starts by itself for these alerts. */
const looks = (...names: string[]) => ({
  'runbooks/look.yaml': `
title: Look
risk: none
on: [{ source: alertmanager, match: { alertname: [${names}] } }]
params: {}
steps: [{ id: look, exec: ["true"] }]
`,
  'policy.yaml': 'rules: [{ name: all, decide: auto }]',
});

let place: Place;
afterEach(() => place.close());

describe('what is live here and not at its origin', () => {
  test('is closed by two lists, with the time of the first', async () => {
    place = await startPlace();
    const alert = place.held('Gone');
    await place.deliver(alert, 'firing');
    place.double.alerts = [alert];
    await place.rounds(2);
    const lastSeen = place.clock.now();
    place.double.alerts = [];
    await place.round();
    const missed = place.clock.now();
    expect((await place.alert('Gone'))?.state).toBe('firing');
    await place.round();
    const closed = await place.untilAlert('Gone', { state: 'resolved' });
    // Gone before the end that it showed last: it was ended, and did not expire.
    expect(closed.end).toEqual({ how: 'gone', because: null });
    expect(closed.resolvedAt).toBeGreaterThan(lastSeen);
    expect(closed.resolvedAt).toBeLessThanOrEqual(missed);
    expect(await place.effects('Gone')).toEqual(['opened', 'resolved']);
  });

  test('is not known to be cured when nobody saw it there before', async () => {
    place = await startPlace();
    await place.deliver(place.held('Unwatched'), 'firing');
    await place.rounds(3);
    expect(await place.untilAlert('Unwatched', { state: 'resolved' })).toMatchObject({ end: { how: 'unwatched' } });
  });

  test('is closed only by lists that follow each other', async () => {
    place = await startPlace();
    await place.deliver(place.held('Kept'), 'firing');
    for (const list of ['whole', 'cut', 'whole', 'error', 'whole', 'closed'] as const) {
      place.double.list = list;
      await place.round();
    }
    place.double.list = 'error';
    await place.rounds(1);
    expect((await place.alert('Kept'))?.state).toBe('firing');
    expect(await place.effects('Kept')).toEqual(['opened']);
  });

  test.each(['young', 'settling'])('is not closed while the origin is %s', async what => {
    place = await startPlace({ options: ', settle: 30d' });
    if (what === 'settling') Object.assign(place.double, { cluster: 'settling', since: 0 });
    await place.deliver(place.held('Kept'), 'firing');
    await place.rounds(4);
    expect((await place.alert('Kept'))?.state).toBe('firing');
  });

  test('is not closed by an Alertmanager that does not send here: the address is of another one', async () => {
    place = await startPlace();
    place.double.receivers = ['somebody else'];
    await place.deliver(place.held('Kept'), 'firing');
    await place.rounds(5);
    expect((await place.alert('Kept'))?.state).toBe('firing');
    const { parts } = (await place.app.call('GET', '/readyz')).body;
    expect(parts['reconcile alertmanager']).toContain('none of the receivers');
    place.double.receivers = ['somebody else', 'tocsin'];
    await place.rounds(2);
    await place.untilAlert('Kept', { state: 'resolved' });
  });

  test('is closed where no receiver is known to lead here, because none proved itself', async () => {
    place = await startPlace({ token: false });
    place.double.receivers = ['somebody'];
    await place.deliver(place.held('Unproven'), 'firing', { token: '' });
    await place.rounds(3);
    await place.untilAlert('Unproven', { state: 'resolved' });
  });

  test('is not closed when it was heard of in between', async () => {
    place = await startPlace();
    const alert = place.held('Back');
    await place.deliver(alert, 'firing');
    await place.rounds(2);
    await place.deliver(alert, 'firing');
    await place.rounds(2);
    expect(await place.effects('Back')).toEqual(['opened', 'refreshed']);
  });
});

describe('what fires at its origin and is not live here', () => {
  test('is opened like a delivery, and its runbook starts', async () => {
    place = await startPlace({ files: looks('Lost') });
    await place.deliver(place.held('Other'), 'firing');
    place.double.alerts = [place.held('Other'), place.held('Lost')];
    await place.rounds(2);
    expect(await place.untilAlert('Lost', { state: 'firing' })).toMatchObject({ trusted: true, count: 1 });
    const run = await place.app.until(async () => (await place.app.runs())[0]);
    expect((await place.app.ended(run.id)).state).toBe('succeeded');
    await place.rounds(3);
    // Nothing is told again while nothing differs.
    expect(await place.effects('Lost')).toEqual(['opened']);
    expect(await place.effects('Other')).toEqual(['opened']);
  });

  test('is not opened when its receiver is not known to lead here', async () => {
    place = await startPlace();
    place.double.alerts = [place.held('Theirs', { receivers: ['mail'] }), place.held('Ours')];
    await place.rounds(3);
    expect(await place.alert('Ours')).toBeNull();
    await place.deliver(place.held('Other'), 'firing', { receiver: 'tocsin' });
    await place.rounds(3);
    await place.untilAlert('Ours', { state: 'firing' });
    expect(await place.alert('Theirs')).toBeNull();
  });

  test('a receiver of the options needs no delivery, and takes the place of those that were seen', async () => {
    place = await startPlace({ options: ', receiver: [chat]' });
    await place.deliver(place.held('Other'), 'firing', { receiver: 'tocsin' });
    place.double.alerts = [place.held('Named', { receivers: ['mail', 'chat'] }), place.held('Seen')];
    await place.rounds(2);
    await place.untilAlert('Named', { state: 'firing' });
    expect(await place.alert('Seen')).toBeNull();
  });

  test('a young one is left to the webhook, and opened when that does not come', async () => {
    place = await startPlace({ options: ', receiver: tocsin' });
    await place.round();
    place.double.alerts = [place.held('Young', { startsAt: place.clock.now() + 20_000 })];
    await place.rounds(2);
    expect(await place.alert('Young')).toBeNull();
    await place.rounds(2);
    await place.untilAlert('Young', { state: 'firing' });
  });

  test('what was resolved here and fires on is reopened quietly', async () => {
    place = await startPlace();
    const alert = place.held('Again');
    await place.deliver(alert, 'firing');
    await place.deliver(alert, 'resolved');
    place.double.alerts = [alert];
    await place.rounds(3);
    await place.untilAlert('Again', { state: 'firing' });
    expect(await place.effects('Again')).toEqual(['opened', 'resolved', 'reopened']);
    const reopened = (await place.entries('Again')).at(-1)?.fact;
    expect(reopened).toMatchObject({ effect: 'reopened', quiet: true });
  });

  test('a later stretch of a live one opens an episode of its own', async () => {
    place = await startPlace();
    const alert = place.held('Later');
    await place.deliver(alert, 'firing');
    place.double.alerts = [{ ...alert, startsAt: alert.startsAt + 300_000 }];
    await place.rounds(3);
    expect(await place.untilAlert('Later', { episode: 2 })).toMatchObject({ startsAt: alert.startsAt + 300_000 });
  });

  test('what is silenced there is opened when the silence is over', async () => {
    place = await startPlace({ options: ', receiver: tocsin' });
    const alert = place.held('Quiet', { silencedBy: ['none'] });
    place.double.alerts = [alert];
    await place.rounds(3);
    expect(await place.alert('Quiet')).toBeNull();
    alert.silencedBy = [];
    await place.rounds(2);
    await place.untilAlert('Quiet', { state: 'firing' });
  });
});

describe('the receivers that lead here', () => {
  test('are those of proven deliveries, kept for good', async () => {
    place = await startPlace();
    const claimed = (key: string) => place.store.claimed({ space: 'receiver/alertmanager', key });
    await place.deliver(place.held('One'), 'firing', { receiver: 'tocsin' });
    await place.deliver(place.held('One'), 'firing', { receiver: 'tocsin' });
    expect(await claimed('tocsin')).toBe(true);
    await expect(
      place.deliver(place.held('One'), 'firing', { receiver: 'forged', token: 'guessed' }),
    ).rejects.toThrow();
    expect(await claimed('forged')).toBe(false);
  });
});

describe('what its origin keeps quiet', () => {
  test('is shown with who does and until when, until it is over', async () => {
    place = await startPlace();
    const alert = place.held('Muted');
    const until = place.clock.now() + 7_200_000;
    await place.deliver(alert, 'firing');
    place.double.silences.set('5f1e', { createdBy: 'alice', comment: 'planned work', endsAt: until });
    place.double.alerts = [{ ...alert, silencedBy: ['5f1e'] }];
    await place.round();
    const muted = await place.untilAlert('Muted', { state: 'silenced' });
    expect(muted.silencedAtOrigin).toEqual({ by: 'alice: planned work', until });
    const shown = await place.app.call('GET', `/api/v1/alerts/${muted.id}`);
    expect(shown.body).toMatchObject({
      state: 'silenced',
      silencedAtOrigin: { by: 'alice: planned work', until: new Date(until).toISOString() },
    });
    const card = await place.app.until(async () => {
      const post = await place.store.post('console', `alert/${muted.id}/1`);
      return JSON.stringify(post?.card).includes('Silenced at alertmanager') ? post?.card : null;
    });
    expect(card).toMatchObject({ badge: 'silenced' });
    expect(JSON.stringify(card)).toContain('by alice: planned work until');
    await place.rounds(2);
    place.double.alerts = [alert];
    await place.round();
    expect(await place.untilAlert('Muted', { state: 'firing' })).toMatchObject({ silencedAtOrigin: null });
    const kinds = (await place.entries('Muted')).map(({ fact }) => fact.kind);
    expect(kinds).toEqual(['event.accepted', 'alert.muted', 'alert.unmuted']);
  });

  test('starts nothing by itself meanwhile', async () => {
    // As if it were silenced between its delivery and its decision.
    const read = (alert: Alert) =>
      alert.labels['alertname'] === 'Muted' ? { ...alert, silencedAtOrigin: { by: 'alice', until: null } } : alert;
    place = await startPlace({ files: looks('Muted', 'Loud'), read });
    await place.deliver(place.held('Muted'), 'firing');
    await place.deliver(place.held('Loud'), 'firing');
    const run = await place.app.until(async () => (await place.app.runs())[0]);
    await place.app.ended(run.id);
    expect((await place.app.runs()).map(one => one.alert)).toEqual([(await place.alert('Loud'))?.id]);
  });

  test('is closed when it ends in the silence, which loses the resolve for ever', async () => {
    place = await startPlace();
    const alert = place.held('Ended');
    await place.deliver(alert, 'firing');
    place.double.alerts = [{ ...alert, silencedBy: ['none'] }];
    await place.rounds(2);
    await place.untilAlert('Ended', { state: 'silenced' });
    place.double.alerts = [];
    await place.rounds(2);
    const closed = await place.untilAlert('Ended', { state: 'resolved' });
    expect(closed).toMatchObject({ end: { how: 'gone' }, silencedAtOrigin: null });
  });
});

describe('an origin that cannot be asked', () => {
  test('is told on /readyz after some rounds, until it can', async () => {
    place = await startPlace();
    const part = async () => (await place.app.call('GET', '/readyz')).body.parts['reconcile alertmanager'];
    await place.round();
    place.double.list = 'error';
    await place.rounds(1);
    expect(await part()).toBeNull();
    await place.rounds(4);
    expect(await part()).toMatch(/alertmanager could not be asked for its list: .*500/);
    expect((await place.app.call('GET', '/readyz')).body.well).toBe(false);
    place.double.list = 'whole';
    await place.rounds(1);
    await place.app.until(async () => (await part()) === null);
  });
});

describe('where nothing can be asked', () => {
  const day = 24 * 3_600_000;

  test('an alert without news for three intervals is marked, until news comes', async () => {
    place = await startPlace({ url: false, options: ', repeatInterval: 1h' });
    const alert = place.held('Silent');
    await place.deliver(alert, 'firing');
    const delivered = place.clock.now();
    place.clock.jump(delivered + 2 * 3_600_000);
    await place.clock.advance(400_000);
    await place.clock.advance(400_000);
    expect((await place.alert('Silent'))?.quietSince).toBeNull();
    place.clock.jump(delivered + day);
    await place.clock.advance(400_000);
    const quiet = await place.untilAlert('Silent', { quietSince: delivered + 3 * 3_600_000 });
    expect(quiet.state).toBe('firing');
    await place.clock.advance(400_000);
    await place.deliver(alert, 'firing');
    await place.untilAlert('Silent', { quietSince: null });
    const kinds = (await place.entries('Silent')).map(({ fact }) => fact.kind);
    expect(kinds).toEqual(['event.accepted', 'alert.quiet', 'event.accepted']);
  });

  test('where it can be asked, it is not', async () => {
    place = await startPlace({ options: ', repeatInterval: 1h' });
    const alert = place.held('Listed');
    await place.deliver(alert, 'firing');
    place.double.alerts = [alert];
    place.clock.jump(place.clock.now() + day);
    for (let n = 0; n < 8; n++) await place.round();
    expect((await place.alert('Listed'))?.quietSince).toBeNull();
  });
});
