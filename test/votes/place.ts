import { expect } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Approval } from '../../src/model/approval.ts';
import { isEnded } from '../../src/model/run.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';

/** Who tries: alice and bob may vote, rita is known and may not; what the others are depends on the path. */
export type Who = 'alice' | 'bob' | 'rita' | 'guest' | 'foreign';

/** What is changed in a request on its way: the seal, or the approval that it names. */
export type Altered = { seal: true } | { approval: string };

/** One way to vote for one approval, as it was when the approval was open: a later try uses the same button. */
export interface Attempt {
  /** Votes to approve; resolves to what the person is told. */
  vote(who: Who, altered?: Altered): Promise<string>;
  /** Sends the very same once more where that is answered with nothing. */
  repeat?(who: Who): Promise<void>;
}

/** How votes reach the app by one path. */
export interface Way {
  /** True where people give a reason: then the policy wants one. */
  reason?: boolean;
  prepare(approval: Approval): Promise<Attempt>;
}

export interface Asked {
  id: string;
  attempt: Attempt;
  resolve(): Promise<unknown>;
  /** The alert fires again with a later start. */
  later(): Promise<unknown>;
}

export interface VotePlace {
  app: TestApp;
  ask(way: Way, by?: 'alert' | 'alice'): Promise<Asked>;
  /** Lets the time of all that is open run out, and comes back. */
  expire(): Promise<void>;
  read(id: string): Promise<Approval>;
  closed(id: string, state: Approval['state']): Promise<void>;
}

const runbook = (alertname: string) => `
title: ${alertname}
risk: low
on: [{ source: alertmanager, match: { alertname: ${alertname} } }]
params: { host: { type: string, from: labels.host } }
target: params.host
steps:
  - { id: act, exec: ["true"] }
`;

/** The accounts on a platform by person; `to` is where the threads are. */
export async function openVotes(
  to: string,
  accounts: Partial<Record<Who, string>>,
  env: Record<string, string> = {},
): Promise<VotePlace> {
  const platform = to.split(':')[0] ?? '';
  const people = (['alice', 'bob', 'rita', 'guest', 'foreign'] as const).map(who => {
    const account = accounts[who];
    return `  ${who}: ${account === undefined ? '{}' : `{ accounts: { ${platform}: "${account}" } }`}`;
  });
  const files = {
    'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people:
${people.join('\n')}
# Whoever wrote the guests into the group: the platform's word about their accounts counts.
groups: { sre: [alice, bob, guest, foreign] }
operators: [sre]
routes:
  - { to: ["${to}"] }
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
  - { env: CI, service: ci }
`,
    'policy.yaml': `
rules:
  - { name: say why, when: runbook.id == "explain", decide: approve, by: sre, reason: required, expires: 30m }
  - { name: ask, decide: approve, by: sre, expires: 30m }
`,
    'runbooks/plain.yaml': runbook('Plain'),
    'runbooks/explain.yaml': runbook('Explain'),
  };
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const app = await startTestApp(files, { env, clock });
  let count = 0;
  const place: VotePlace = {
    app,
    async ask(way, by = 'alert') {
      const host = `web-${++count}`;
      const name = way.reason === true ? 'Explain' : 'Plain';
      const hours = (n: number) => ({ startsAt: new Date(Date.now() - n * 3_600_000).toISOString() });
      const [first, second] = [hours(2), hours(1)];
      const alert = (facts: object) => app.alert({ alertname: name, host }, { fingerprint: host, ...facts });
      if (by === 'alert') await alert(first);
      else await app.call('POST', '/api/v1/runs', { body: { runbook: name.toLowerCase(), params: { host } } });
      const approval = await app.until(async () => {
        const run = (await app.runs()).find(one => one.targets.includes(host));
        return run?.approval == null ? null : await app.app.store.approval(run.approval);
      });
      return {
        id: approval.id,
        attempt: await way.prepare(approval),
        resolve: () => alert({ ...first, status: 'resolved' }),
        later: () => alert(second),
      };
    },
    async expire() {
      ahead = 31 * 60_000;
      await app.until(async () => (await app.app.store.approvals({ state: 'open' })).length === 0);
      ahead = 0;
    },
    async read(id) {
      const found = await app.app.store.approval(id);
      if (found === null) throw new Error(`there is no approval ${id}`);
      return found;
    },
    async closed(id, state) {
      // Its card is the last to change: nothing follows from the end any more.
      await app.until(async () => {
        const post = await app.app.store.post(platform, `approval/${id}`);
        return post === null || post.card.buttons.every(one => one.label !== 'Approve');
      });
      const { run } = await place.read(id);
      await app.until(async () => isEnded((await app.app.store.run(run ?? ''))?.state ?? 'waiting'));
      expect((await place.read(id)).state).toBe(state);
    },
  };
  return place;
}

/** A button as it was, with another seal or another approval in what it carries. */
export function alter(text: string, altered: Altered): string {
  const changed =
    'seal' in altered
      ? text.replace(/(seal\W+)([0-9a-f])/g, (_, before, digit) => `${before}${digit === '0' ? '1' : '0'}`)
      : text.replace(/(approval\W{1,10})apv_\w+/g, (_, before) => `${before}${altered.approval}`);
  if (changed === text) throw new Error('there was nothing to alter');
  return changed;
}
