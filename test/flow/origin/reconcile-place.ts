import type { Alert } from '../../../src/model/alert.ts';
import type { Entry, FactOf } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';
import {
  type AlertmanagerDouble,
  fingerprintOfLabels,
  type HeldAlert,
  startAlertmanagerDouble,
} from '../../doubles/alertmanager.ts';
import { type Files, startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';
import { type GrafanaDouble, startGrafanaDouble } from '../../doubles/grafana.ts';
import { countRounds } from './rounds.ts';

/** A real Tocsin beside the double of Alertmanager, or of Grafana, both by one clock that is moved by hand. */
export interface Place<Double = AlertmanagerDouble> {
  app: TestApp;
  store: Store;
  clock: HandClock;
  double: Double;
  /** An alert as the double holds it, begun ten minutes ago. */
  held(name: string, facts?: Partial<HeldAlert>): HeldAlert;
  /** Posts the webhook about it. */
  deliver(
    alert: HeldAlert,
    status: 'firing' | 'resolved',
    facts?: { receiver?: string; token?: string },
  ): Promise<void>;
  /** Moves the clock on until a round has begun, and waits until it is over. */
  round(): Promise<void>;
  rounds(count: number): Promise<void>;
  alert(name: string): Promise<Alert | null>;
  untilAlert(name: string, facts: Partial<Alert>): Promise<Alert>;
  /** The effects of the events of an alert, oldest first. */
  effects(name: string): Promise<(string | null)[]>;
  entries(name: string): Promise<Entry[]>;
  close(): Promise<void>;
}

export const token = 'a token of Alertmanager';

interface Given {
  options?: string;
  files?: Files;
  url?: boolean;
  token?: false;
  /** Without any, everybody is one. */
  operators?: false;
  read?: (alert: Alert) => Alert;
}

export async function startPlace(given: Given = {}): Promise<Place> {
  const clock = createClock(Date.UTC(2026, 10, 20, 12));
  return await openPlace(given, clock, await startAlertmanagerDouble(clock.now));
}

/** The source keeps its name and is of the type grafana. */
export async function startGrafanaPlace(given: Given = {}): Promise<Place<GrafanaDouble>> {
  const clock = createClock(Date.UTC(2026, 10, 20, 12));
  const double = await startGrafanaDouble(clock.now);
  const apiToken = given.url === false ? '' : `, apiToken: ${double.token}`;
  const options = `, type: grafana${apiToken}${given.options ?? ''}`;
  return await openPlace({ ...given, options }, clock, double);
}

async function openPlace<Double extends AlertmanagerDouble>(
  given: Given,
  clock: HandClock,
  double: Double,
): Promise<Place<Double>> {
  const rounds = countRounds(clock);
  const config = `
sources:
  alertmanager: { severityLabel: severity${given.token === false ? '' : `, token: ${token}`}${given.url === false ? '' : `, url: "${double.url}"`}${given.options ?? ''} }
people: { alice: {} }
${given.operators === false ? '' : 'operators: [alice]'}
tokens: [{ env: ALICE, person: alice }, { env: CI, service: ci, may: [silence] }]
`;
  const app = await startTestApp(
    { 'tocsin.yaml': config, ...given.files },
    {
      clock: rounds.clock,
      wrapStore: store =>
        rounds.wrapStore({
          ...store,
          alert: async id => {
            const alert = await store.alert(id);
            return alert === null ? null : (given.read?.(alert) ?? alert);
          },
        }),
    },
  );
  const { store } = app.app;
  const held: Place['held'] = (name, facts = {}) => ({
    labels: { alertname: name, severity: 'warning' },
    annotations: { summary: `${name} is wrong` },
    startsAt: clock.now() - 600_000,
    endsAt: clock.now() + 240_000,
    ...facts,
  });

  const round = () =>
    rounds.next(app.until, () => {
      for (const alert of double.alerts) alert.endsAt = Math.max(alert.endsAt, clock.now() + 180_000);
    });
  const find = async (name: string) =>
    (await store.alertOf('alertmanager', fingerprintOfLabels({ alertname: name, severity: 'warning' }))) ?? null;
  const entries = async (name: string) => {
    const found = await find(name);
    return found === null ? [] : await store.stream(`alert/${found.id}`);
  };
  return {
    app,
    store,
    clock,
    double,
    held,
    round,
    async rounds(count) {
      for (let n = 0; n < count; n++) await round();
    },
    async deliver(alert, status, { receiver = 'tocsin', token: given = token } = {}) {
      const endsAt = status === 'firing' ? '0001-01-01T00:00:00Z' : new Date(clock.now()).toISOString();
      const one = { status, ...alert, startsAt: new Date(alert.startsAt).toISOString(), endsAt };
      const body = {
        version: '4',
        receiver,
        alerts: [{ ...one, fingerprint: fingerprintOfLabels(alert.labels) }],
      };
      const headers: Record<string, string> = given === '' ? {} : { authorization: `Bearer ${given}` };
      const answer = await app.call('POST', '/events/alertmanager', { as: null, headers, body });
      if (answer.status !== 202) throw new Error(`the door answered ${answer.status} ${JSON.stringify(answer.body)}`);
    },
    alert: find,
    untilAlert: (name, facts) =>
      app.until(async () => {
        const found = await find(name);
        const wanted = Object.entries(facts).every(([key, value]) => found?.[key as keyof Alert] === value);
        return wanted ? found : null;
      }),
    entries,
    effects: async name =>
      (await entries(name)).flatMap(({ fact }) =>
        fact.kind === 'event.accepted' ? [(fact as FactOf<'event.accepted'>).effect] : [],
      ),
    async close() {
      await app.stop();
      await double.close();
    },
  };
}
