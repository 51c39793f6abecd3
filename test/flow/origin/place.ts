import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry, FactOf } from '../../../src/model/journal.ts';
import { type Files, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type PagerDutyDouble, startPagerDuty } from '../../doubles/pagerduty.ts';
import { createWebhookSender, type WebhookSender } from '../../doubles/pagerduty-sender.ts';

/** A real Tocsin beside the double of PagerDuty, with Mina on call. */
export interface Place {
  app: TestApp;
  pagerduty: PagerDutyDouble;
  sender: WebhookSender;
  /** Sends the webhook of an incident that the double has, or gets. */
  incident(id: string, what?: 'triggered' | 'acknowledged' | 'resolved' | 'escalated', data?: object): Promise<void>;
  /** Lets the steps of `held` go on, or fail. */
  letGo(): Promise<void>;
  /** What the journal says was told; who is on call is asked beside it, and left out. */
  told(): Promise<FactOf<'origin.told'>[]>;
  /** Waits until so many things of a kind were told. */
  untilTold(what: FactOf<'origin.told'>['what'], count?: number): Promise<FactOf<'origin.told'>[]>;
  close(): Promise<void>;
}

/** A step that waits until `letGo`, then ends with this exit code; so a test decides what is told before the run ends. */
export function held(exit: 0 | 1): string {
  return `["sh", "-c", "until [ -e ${gate} ]; do sleep 0.05; done; exit ${exit}"]`;
}
const gate = join(tmpdir(), `tocsin-gate-${process.pid}`);

export const secret = 'a webhook secret';

export function config(
  pagerduty: Pick<PagerDutyDouble, 'url' | 'apiToken' | 'routingKey' | 'from'>,
  extra = '',
): string {
  return `
sources:
  alertmanager: { token: alert-secret }
  pagerduty:
    secret: ${secret}
    apiToken: ${pagerduty.apiToken}
    from: ${pagerduty.from}
    routingKey: ${pagerduty.routingKey}
    apiUrl: ${pagerduty.url}
    eventsUrl: ${pagerduty.url}
${extra}
people:
  alice: {}
  bob: {}
  mina: { accounts: { pagerduty: PMINA } }
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: mina }
  - { env: CI, service: ci }
`;
}

export async function openPlace(
  files: (pagerduty: PagerDutyDouble) => Files,
  options: Parameters<typeof startTestApp>[1] & { pagerduty?: PagerDutyDouble } = {},
): Promise<Place> {
  const pagerduty = options.pagerduty ?? (await startPagerDuty());
  if (options.pagerduty === undefined) populate(pagerduty);
  const app = await startTestApp({ 'tocsin.yaml': config(pagerduty), ...files(pagerduty) }, options);
  const sender = createWebhookSender({
    url: `${app.app.url}/events/pagerduty`,
    secrets: ['an older one', secret],
    pause: 5,
  });
  const told = async () => (await app.journal()).map(entry => entry.fact).filter(isTold);
  let count = 0;
  return {
    app,
    pagerduty,
    sender,
    async incident(id, what = 'triggered', data = {}) {
      const incident = pagerduty.incidents.get(id) ?? pagerduty.add({ id });
      const status = what === 'escalated' ? 'triggered' : what;
      if (what !== 'triggered') incident.status = status;
      count++;
      const sent = await sender.send({
        id: `01EVENT${id}${what}${count}`,
        event_type: `incident.${what}`,
        occurred_at: new Date().toISOString(),
        data: {
          id,
          type: 'incident',
          number: 1,
          status,
          created_at: '2026-11-20T11:00:03Z',
          title: 'Disk full on db-prod-3',
          service: { id: 'PSVC', summary: 'Checkout DB' },
          escalation_policy: { id: 'PEP1', summary: 'DB on-call' },
          urgency: incident.urgency,
          ...data,
        },
      });
      if (sent !== 'taken') throw new Error(`the webhook was ${sent}: ${sender.answers}`);
    },
    letGo: () => writeFile(gate, ''),
    told: async () => (await told()).filter(fact => fact.what !== 'on-call'),
    untilTold: (what, wanted = 1) =>
      app.until(async () => {
        const found = (await told()).filter(fact => fact.what === what);
        return found.length >= wanted ? found : null;
      }),
    async close() {
      await rm(gate, { force: true });
      await app.stop();
      if (options.pagerduty === undefined) await pagerduty.close();
    },
  };
}

export function populate(pagerduty: PagerDutyDouble): void {
  const policy = { id: 'PEP1', summary: 'DB on-call' };
  const schedule = { id: 'PS1', summary: 'DB week' };
  for (const [id, name] of [
    ['PMINA', 'Mina Okafor'],
    ['POTTO', 'Otto Boss'],
    ['PEXT', 'Eve External'],
  ] as const)
    pagerduty.users.set(id, { id, name, email: `${id.toLowerCase()}@example.com` });
  pagerduty.rota.push(
    { policy, level: 1, schedule, user: 'PMINA' },
    { policy, level: 1, schedule, user: 'PEXT' },
    { policy, level: 2, schedule: null, user: 'POTTO' },
    { policy: { id: 'PEP2', summary: 'Web on-call' }, level: 1, schedule: null, user: 'POTTO' },
  );
}

function isTold(fact: Entry['fact']): fact is FactOf<'origin.told'> {
  return fact.kind === 'origin.told';
}
