import { afterAll, beforeAll } from 'vitest';
import { type Fleet, type FleetNode, startFleet } from './fleet.ts';

/** A double of a chat platform, and how alice, bob and the group that may vote are called there. */
export interface ChatSide<Double> {
  double: Double & { env: Record<string, string>; close(): Promise<void> };
  platform: string;
  accounts: { alice: string; bob: string };
  group: string;
  route: string;
}

/** Two nodes that talk to one platform; two people of a group that the platform keeps approve what writes into the ledger. */
export interface ChatFleet<Double> {
  fleet: Fleet;
  double: Double;
  first: FleetNode;
  other: FleetNode;
}

/** How often a journey looks for what must come: the other node takes over in its own time, on a machine that may be busy. */
export const patience = 3000;

/** One for all tests of the suite that calls this. */
export function useChatFleet<Double>(start: () => Promise<ChatSide<Double>>): () => ChatFleet<Double> {
  const opened = new AsyncDisposableStack();
  let ready: ChatFleet<Double> | null = null;
  beforeAll(async () => {
    const side = await start();
    opened.defer(side.double.close);
    const fleet = await startFleet(ledger => filesOf(side, ledger));
    opened.defer(fleet.close);
    const { env } = side.double;
    ready = { fleet, double: side.double, first: await fleet.node('all', env), other: await fleet.node('all', env) };
  });
  afterAll(() => opened.disposeAsync());
  return () => {
    if (ready === null) throw new Error('used outside of a test');
    return ready;
  };
}

function filesOf({ platform, accounts, group, route }: ChatSide<unknown>, ledger: string): Record<string, string> {
  return {
    'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { ${platform}: "${accounts.alice}" } }
  bob: { accounts: { ${platform}: "${accounts.bob}" } }
groups: { sre: { ${platform}: "${group}" } }
routes:
  - to: ["${route}"]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
`,
    'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre, quorum: 2, expires: 10m }\n',
    'runbooks/restart.yaml': `
title: Restart it
risk: low
on: [{ source: alertmanager, match: { alertname: Down } }]
steps:
  - { id: act, script: 'echo restarted >> ${ledger}' }
`,
  };
}
