import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Alert } from '../../src/model/alert.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { createClock } from '../doubles/clock.ts';
import { countRounds } from '../flow/origin/rounds.ts';
import { eventually, findPrograms, freePort } from './programs.ts';
import { type Alertmanager, makeFolder, startAlertmanager } from './real.ts';

const { programs, missing } = findPrograms();
const token = 'a token for tests';
const minute = 60_000;
const iso = (at: number) => new Date(at).toISOString();

interface Listed {
  id: string;
  status: { state: string };
  createdBy: string;
  comment: string;
  endsAt: string;
}

/** The clock of Tocsin is moved by hand, so that its rounds need no waiting; that of Alertmanager is real. */
describe.skipIf(missing !== null)('what people silence here, in a real Alertmanager', { timeout: 180_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  const rounds = countRounds(createClock(Date.now()));
  let app: TestApp;
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    const made = await makeFolder();
    cleanUp.defer(made.remove);
    const port = await freePort();
    const source = `{ token: ${token}, url: "http://127.0.0.1:${port}", settle: 1ms, silences: true }`;
    app = await startTestApp(
      {
        'tocsin.yaml': `sources: { alertmanager: ${source} }\noperators: [alice]\ntokens: [{ env: ALICE, person: alice }]\npeople: { alice: {} }\n`,
      },
      { clock: rounds.clock, wrapStore: rounds.wrapStore },
    );
    cleanUp.defer(() => app.stop());
    const webhook = { url: `${app.app.url}/events/alertmanager`, token };
    alertmanager = await startAlertmanager(programs?.alertmanager ?? '', made.folder, webhook, port);
    cleanUp.defer(async () => void (await alertmanager.program.stop()));
    await eventually('it is not young any more', async () => {
      const answer = await fetch(`${alertmanager.url}/api/v2/status`);
      const { uptime } = (await answer.json()) as { uptime: string };
      return Date.parse(answer.headers.get('date') ?? '') > Date.parse(uptime) ? true : null;
    });
  });
  afterAll(() => cleanUp.disposeAsync());

  const labelsOf = (alertname: string, more = {}) => ({
    alertname,
    quoted: 'a "b" \\ {c}, d=~".*"',
    tab: 'a\tb',
    lines: 'a\nb',
    other: 'Ünïcode 火',
    ...more,
  });
  const post = (labels: object, endsAt = Date.now() + 60 * minute) =>
    alertmanager.post([{ labels, startsAt: iso(Date.now() - 5 * minute), endsAt: iso(endsAt) }]);
  const find = async (labels: Record<string, string>) =>
    (await app.app.store.alerts({})).find(alert =>
      ['alertname', 'pod'].every(name => alert.labels[name] === labels[name]),
    );
  const until = (labels: Record<string, string>, state: Alert['state']) =>
    eventually(`${labels['alertname']} is ${state}`, async () => {
      const alert = await find(labels);
      return alert?.state === state ? alert : null;
    });
  const act = async (id: string, method: 'POST' | 'DELETE', body: object) =>
    expect((await app.call(method, `/api/v1/alerts/${id}/silence`, { body })).status).toBe(200);
  const silences = async (id: string): Promise<Listed[]> => {
    const all = (await (await fetch(`${alertmanager.url}/api/v2/silences`)).json()) as Listed[];
    return all.filter(one => one.comment.includes(id));
  };
  const active = (id: string, what: string, holds: (found: Listed[]) => boolean) =>
    eventually(what, async () => {
      const found = (await silences(id)).filter(one => one.status.state === 'active');
      return holds(found) ? found : null;
    });
  const stateThere = async (labels: Record<string, string>) => {
    const answer = await fetch(`${alertmanager.url}/api/v2/alerts?filter=alertname=${labels['alertname']}`);
    const all = (await answer.json()) as { labels: Record<string, string>; status: { state: string } }[];
    return all.find(one => one.labels['pod'] === labels['pod'])?.status.state;
  };

  test('is silenced exactly, once, changed in place and ended, and is not the silence of somebody else', async () => {
    const mine = labelsOf('Mine', { pod: 'a' });
    const beside = labelsOf('Mine', { pod: 'b' });
    await post(mine);
    await post(beside);
    const { id } = await until(mine, 'firing');
    await until(beside, 'firing');
    await act(id, 'POST', { for: '2h', reason: 'we are at it' });
    const [first] = await active(id, 'it is silenced there', found => found.length === 1);
    expect(first).toMatchObject({ createdBy: 'alice', comment: `Silenced in Tocsin: we are at it [tocsin ${id}]` });
    await eventually('the alert is held for silenced', async () =>
      (await stateThere(mine)) === 'suppressed' ? true : null,
    );
    expect(await stateThere(beside)).toBe('active');

    await act(id, 'POST', { for: '5h' });
    const later = Date.parse(first?.endsAt ?? '') + 2 * 60 * minute;
    const [second] = await active(id, 'it lasts longer', found => Date.parse(found[0]?.endsAt ?? '') > later);
    expect(second?.id).toBe(first?.id);
    expect(await silences(id)).toHaveLength(1);

    for (let n = 0; n < 2; n++) await rounds.next(app.until);
    expect(await find(mine)).toMatchObject({ state: 'silenced', silencedAtOrigin: null });
    const kinds = (await app.app.store.stream(`alert/${id}`)).map(({ fact }) => fact.kind);
    expect(kinds.filter(kind => kind === 'alert.muted')).toEqual([]);

    await act(id, 'DELETE', {});
    await active(id, 'it is not silenced any more', found => found.length === 0);
    await eventually('the alert fires there', async () => ((await stateThere(mine)) === 'active' ? true : null));
    expect(await silences(id)).toMatchObject([{ status: { state: 'expired' } }]);
  });

  test('an end that nobody hears because of it closes the alert, and the silence with it', async () => {
    const muted = labelsOf('Muted');
    await post(muted);
    const { id } = await until(muted, 'firing');
    await act(id, 'POST', { for: '2h' });
    await active(id, 'it is silenced there', found => found.length === 1);
    await eventually('the alert is held for silenced', async () =>
      (await stateThere(muted)) === 'suppressed' ? true : null,
    );
    // It has looked once while it fires, so that an end can be told from an expiry.
    for (let n = 0; n < 2; n++) await rounds.next(app.until);
    await post(muted, Date.now());
    for (let n = 0; n < 3; n++) await rounds.next(app.until);
    expect(await until(muted, 'resolved')).toMatchObject({ end: { how: 'gone' } });
    await active(id, 'the silence is over', found => found.length === 0);
    const told = (await app.journal()).flatMap(({ fact }) =>
      fact.kind === 'origin.told' && fact.alert === id ? [[fact.what, fact.ok]] : [],
    );
    expect(told).toEqual([
      ['silence', true],
      ['unsilence', true],
    ]);
  });
});
