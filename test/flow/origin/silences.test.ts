import { afterEach, describe, expect, test } from 'vitest';
import type { HeldAlert } from '../../doubles/alertmanager.ts';
import type { GrafanaDouble } from '../../doubles/grafana.ts';
import { type Place, startGrafanaPlace, startPlace } from './reconcile-place.ts';

let place: Place;
afterEach(() => place.close());

const hour = 3_600_000;

async function open(
  options = ', silences: true',
  more: { operators?: false } = {},
): Promise<{ alert: HeldAlert; id: string }> {
  place = await startPlace({ options, ...more });
  const alert = place.held('Noisy', { labels: { alertname: 'Noisy', severity: 'warning', tab: 'a\tb"\\' } });
  return await fire(alert);
}

async function fire(alert: HeldAlert): Promise<{ alert: HeldAlert; id: string }> {
  await place.deliver(alert, 'firing');
  place.double.alerts = [alert];
  const id = await place.app.until(async () => (await place.store.alerts({ state: 'firing' }))[0]?.id ?? null);
  return { alert, id };
}

const act = (id: string, what: string, body: object, method: 'POST' | 'DELETE' = 'POST') =>
  place.app.call(method, `/api/v1/alerts/${id}/${what}`, { body });
const told = async () => (await place.app.journal()).flatMap(({ fact }) => (fact.kind === 'origin.told' ? [fact] : []));
const untilTold = (count: number) =>
  place.app.until(async () => {
    const all = await told();
    return all.length >= count ? all : null;
  });
const active = () => [...place.double.silences].filter(([, one]) => one.endsAt > place.clock.now());
const facts = async (id: string) => (await place.store.stream(`alert/${id}`)).map(({ fact }) => fact.kind);

describe('a silence that a person makes', () => {
  test('stands at Alertmanager, for exactly this alert and as long, and ends there when the person ends it', async () => {
    const { id } = await open();
    await act(id, 'silence', { for: '1h', reason: 'we are at it' });
    expect(await untilTold(1)).toMatchObject([
      { what: 'silence', ok: true, alert: id, text: 'Silenced it in Alertmanager too' },
    ]);
    const until = (await place.store.alert(id))?.silencedUntil ?? 0;
    expect(active()).toEqual([
      [
        '5ilence-1',
        {
          matchers: [
            { name: 'alertname', value: 'Noisy', isRegex: false, isEqual: true },
            { name: 'severity', value: 'warning', isRegex: false, isEqual: true },
            { name: 'tab', value: 'a\tb"\\', isRegex: false, isEqual: true },
          ],
          startsAt: expect.any(Number),
          endsAt: until,
          createdBy: 'alice',
          comment: `Silenced in Tocsin: we are at it [tocsin ${id}]`,
        },
      ],
    ]);
    await act(id, 'silence', {}, 'DELETE');
    expect((await untilTold(2))[1]).toMatchObject({
      what: 'unsilence',
      ok: true,
      text: expect.stringMatching(/Ended/),
    });
    expect(active()).toEqual([]);
  });

  test('is changed where it is when it is made anew, under the same id', async () => {
    const { id } = await open();
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    await act(id, 'silence', { for: '3h', reason: 'longer' });
    expect((await untilTold(2))[1]?.text).toBe('Changed the silence in Alertmanager too');
    expect(active()).toMatchObject([['5ilence-1', { endsAt: (await place.store.alert(id))?.silencedUntil }]]);
    expect(place.double.silences.size).toBe(1);
  });

  test('is one, also when the answer was lost or Alertmanager failed', async () => {
    const { id } = await open();
    place.double.faults = ['lost', 503];
    await act(id, 'silence', { for: '1h' });
    await place.app.until(async () => {
      await place.clock.advance(2000);
      return (await told()).length > 0 ? true : null;
    });
    expect(await told()).toMatchObject([{ ok: true, text: 'It is silenced in Alertmanager already' }]);
    expect(place.double.silences.size).toBe(1);
  });

  test('that is refused for good is told in the thread', async () => {
    const { id } = await open();
    place.double.faults = [403];
    await act(id, 'silence', { for: '1h' });
    expect(await untilTold(1)).toMatchObject([
      { what: 'silence', ok: false, text: 'Alertmanager answered 403: refused by the double' },
    ]);
  });

  test('is no silence of somebody else when the list shows it, and the lost resolve is made up for', async () => {
    const { id } = await open();
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    await place.rounds(2);
    expect(await facts(id)).toEqual(['event.accepted', 'alert.silenced']);
    expect(await place.store.alert(id)).toMatchObject({ state: 'silenced', silencedAtOrigin: null });
    place.double.alerts = [];
    await place.rounds(3);
    await place.app.until(async () => ((await place.store.alert(id))?.state === 'resolved' ? true : null));
    // The silence was of this episode, so that the next one is heard.
    expect((await untilTold(2))[1]).toMatchObject({ what: 'unsilence', ok: true });
    expect(active()).toEqual([]);
  });

  test('is of somebody else once it was made longer there, and what is silenced beside it is too', async () => {
    const { id, alert } = await open();
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    const beside = place.held('Noisy', { labels: { ...alert.labels, pod: 'b' } });
    await place.deliver(beside, 'firing');
    place.double.alerts.push(beside);
    await place.rounds(2);
    const [other] = (await place.store.alerts({})).filter(one => one.labels['pod'] === 'b');
    expect(other).toMatchObject({ state: 'silenced', silencedAtOrigin: { by: expect.stringContaining('alice') } });
    const [, silence] = active()[0] ?? [];
    if (silence !== undefined) silence.endsAt += 5 * hour;
    await place.rounds(1);
    await place.app.until(async () => ((await place.store.alert(id))?.silencedAtOrigin != null ? true : null));
  });
});

describe('a silence there ends with the one here', () => {
  const ended = async (id: string) => {
    expect((await untilTold(2))[1]).toMatchObject({ what: 'unsilence', ok: true, alert: id });
    expect(active()).toEqual([]);
  };

  test('when an operator closes the alert', async () => {
    const { id } = await open();
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    await act(id, 'close', { reason: 'it is over' });
    await ended(id);
  });

  test('when a new episode begins', async () => {
    const { id, alert } = await open();
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    await place.deliver({ ...alert, startsAt: alert.startsAt + 60_000 }, 'firing');
    await ended(id);
    expect(await place.store.alert(id)).toMatchObject({ episode: 2, state: 'firing' });
  });

  test('not when its time is over: it ends there by itself', async () => {
    const { id, alert } = await open();
    alert.endsAt += 10 * hour;
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    await place.clock.advance(hour + 5000);
    await place.app.until(async () => ((await place.store.alert(id))?.state === 'firing' ? true : null));
    expect(active()).toEqual([]);
    expect(await told()).toHaveLength(1);
  });

  test('and what stays there all the same is shown as a silence of the origin', async () => {
    const { id } = await open();
    await act(id, 'silence', { for: '1h' });
    await untilTold(1);
    place.double.faults = [403];
    await act(id, 'silence', {}, 'DELETE');
    expect((await untilTold(2))[1]).toMatchObject({ what: 'unsilence', ok: false });
    await place.rounds(1);
    expect((await place.store.alert(id))?.silencedAtOrigin).toBeNull();
    await place.rounds(2);
    const by = expect.stringContaining('Silenced in Tocsin');
    await place.app.until(async () => ((await place.store.alert(id))?.silencedAtOrigin == null ? null : true));
    expect(await place.store.alert(id)).toMatchObject({ state: 'silenced', silencedAtOrigin: { by } });
  });
});

describe('nothing is silenced at Alertmanager', () => {
  test('by an acknowledgement', async () => {
    const { id } = await open();
    await act(id, 'acknowledge', {});
    await act(id, 'silence', { for: '1h' });
    expect((await untilTold(1)).map(({ what }) => what)).toEqual(['silence']);
    expect(place.double.posted).toHaveLength(1);
  });

  test('by a service', async () => {
    const { id } = await open(', silences: true', { operators: false });
    const silenced = await place.app.call('POST', `/api/v1/alerts/${id}/silence`, { as: 'CI', body: { for: '1h' } });
    expect(silenced.status).toBe(200);
    await act(id, 'silence', { for: '3h' });
    expect(await untilTold(1)).toHaveLength(1);
    expect(active()).toMatchObject([[expect.any(String), { createdBy: 'alice' }]]);
  });

  test('without the option', async () => {
    const { id } = await open('');
    await act(id, 'silence', { for: '1h' });
    await place.rounds(2);
    expect(await told()).toEqual([]);
    expect(place.double.asked.filter(path => path.includes('/silence'))).toEqual([]);
  });

  test('for an alert whose labels are not known whole', async () => {
    place = await startPlace({ options: ', silences: true' });
    const { id } = await fire(place.held('Long', { labels: { alertname: 'Long', long: 'x'.repeat(5000) } }));
    await act(id, 'silence', { for: '1h' });
    expect(await untilTold(1)).toMatchObject([{ ok: false, text: expect.stringContaining('not known whole') }]);
    expect(place.double.posted).toEqual([]);
  });
});

describe('a silence at Grafana', () => {
  const start = async (): Promise<{ id: string; double: GrafanaDouble }> => {
    const grafana = await startGrafanaPlace({ options: ', silences: true' });
    place = grafana;
    const labels = { alertname: 'Slow', grafana_folder: 'Shop', __alert_rule_uid__: 'rule-1' };
    const { id } = await fire(place.held('Slow', { labels }));
    return { id, double: grafana.double };
  };

  test('belongs to the rule of the alert, is known as our own in its list, and is ended there', async () => {
    const { id } = await start();
    await act(id, 'silence', { for: '1h' });
    expect(await untilTold(1)).toMatchObject([{ ok: true, text: 'Silenced it in Grafana too' }]);
    expect(active()[0]?.[1]).toMatchObject({
      matchers: [
        { name: '__alert_rule_uid__', value: 'rule-1' },
        { name: 'alertname', value: 'Slow' },
        { name: 'grafana_folder', value: 'Shop' },
      ],
    });
    await place.rounds(2);
    expect(await facts(id)).toEqual(['event.accepted', 'alert.silenced']);
    await act(id, 'silence', {}, 'DELETE');
    expect((await untilTold(2))[1]).toMatchObject({ ok: true, text: 'Ended the silence in Grafana too' });
    expect(active()).toEqual([]);
  });

  test('that the token may not make is told in the thread', async () => {
    const { id, double } = await start();
    double.mayWrite = false;
    await act(id, 'silence', { for: '1h' });
    expect(await untilTold(1)).toMatchObject([
      { ok: false, text: expect.stringMatching(/^Grafana answered 403: You'll need additional permissions/) },
    ]);
  });
});
