import { describe, expect, it } from 'vitest';
import { createGroups, type GroupParts, type Groups, standingText } from '../../../src/flow/people/groups.ts';
import { fresh, longest } from '../../../src/flow/people/groups-lookup.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { configFile } from '../../../src/model/config.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

const config = configFile.parse({
  people: {
    alice: { accounts: { slack: 'T1/UA', discord: '11' } },
    bob: { accounts: { slack: 'T1/UB', pagerduty: 'PBOB' } },
    carol: {},
  },
  groups: {
    plain: ['alice', 'bob'],
    leads: { slack: 'S1', members: ['carol'] },
    both: { slack: 'S1', discord: 'R1', members: ['carol'] },
    mixed: ['carol', 'slack:S1'],
    'on-call': { onCall: 'pagerduty', members: ['alice'] },
    web: { onCall: 'pagerduty', escalationPolicy: 'PWEB' },
  },
});

interface World {
  clock: HandClock;
  groups: Groups;
  /** What Slack says; an error when it is down. */
  slack: readonly string[] | null | Error | Promise<readonly string[]>;
  asked: string[];
  onCall: { account: string; name: string }[] | Error;
}

function world(slack: World['slack'] = ['T1/UA'], parts: Partial<GroupParts> = {}): World {
  const clock = createClock();
  const made: World = { clock, slack, asked: [], onCall: [{ account: 'PBOB', name: 'Bob' }], groups: {} as Groups };
  made.groups = createGroups({
    clock,
    log: silentLog,
    config: () => config,
    platform: id =>
      id !== 'slack'
        ? undefined
        : {
            async members(group) {
              made.asked.push(group);
              if (made.slack instanceof Error) throw made.slack;
              return await made.slack;
            },
          },
    origin: source =>
      source !== 'pagerduty'
        ? undefined
        : {
            driver: 'pagerduty',
            async onCall(query) {
              made.asked.push(JSON.stringify([query.alert?.id ?? null, query.escalationPolicy]));
              if (made.onCall instanceof Error) throw made.onCall;
              return { people: made.onCall, of: 'a policy' };
            },
          },
    ...parts,
  });
  return made;
}

const nothing = { alert: null };
const about = (facts: Partial<Alert>) => ({ alert: sampleAlert(facts) });

describe('who belongs to a group', () => {
  it('lists of tocsin.yaml, and people by their own id', async () => {
    const { groups, asked } = world();
    expect(await groups.standing('alice', ['plain'], nothing)).toMatchObject({ group: 'plain', how: 'file' });
    expect(await groups.standing('carol', ['plain'], nothing)).toBeNull();
    expect(await groups.standing('carol', ['nobody', 'carol'], nothing)).toMatchObject({ group: 'carol', how: 'file' });
    expect(await groups.standing('carol', [], nothing)).toBeNull();
    expect(asked).toEqual([]);
  });

  it('a group of a platform is who the platform says, mapped by accounts; what is listed beside it does not count meanwhile', async () => {
    const { groups, clock } = world(['T1/UA', 'T1/USTRANGER']);
    expect(await groups.standing('alice', ['leads'], nothing)).toEqual({
      group: 'leads',
      how: 'live',
      from: 'slack',
      at: clock.now(),
    });
    expect(await groups.standing('bob', ['leads'], nothing)).toBeNull();
    expect(await groups.standing('carol', ['leads'], nothing)).toBeNull();
  });

  it('a list may name groups of platforms, and policy may name them itself', async () => {
    const { groups } = world();
    expect(await groups.standing('carol', ['mixed'], nothing)).toMatchObject({ how: 'file' });
    expect(await groups.standing('alice', ['mixed'], nothing)).toMatchObject({ how: 'live', from: 'slack' });
    expect(await groups.standing('alice', ['slack:S1'], nothing)).toMatchObject({ group: 'slack:S1', how: 'live' });
    expect(await groups.standing('carol', ['slack:S1'], nothing)).toBeNull();
  });

  it('a group that the platform does not have has nobody in it', async () => {
    const { groups } = world(null);
    expect(await groups.standing('alice', ['leads'], nothing)).toBeNull();
    expect(await groups.standing('carol', ['leads'], nothing)).toBeNull();
  });
});

describe('how old it may be', () => {
  it('is asked once for sixty seconds, also by a hundred at once, and again after that', async () => {
    const made = world();
    await Promise.all(Array.from({ length: 100 }, () => made.groups.standing('alice', ['leads'], nothing)));
    await made.clock.advance(fresh);
    await made.groups.standing('alice', ['leads'], nothing);
    expect(made.asked).toHaveLength(1);
    await made.clock.advance(1);
    made.slack = [];
    expect(await made.groups.standing('alice', ['leads'], nothing)).toBeNull();
    expect(made.asked).toHaveLength(2);
  });

  it('in an outage is the last for fifteen minutes and marked as such, then what tocsin.yaml lists', async () => {
    const made = world();
    const { at } = (await made.groups.standing('alice', ['leads'], nothing)) ?? { at: 0 };
    made.slack = new Error('down');
    await made.clock.advance(fresh + 1);
    const last = await made.groups.standing('alice', ['leads'], nothing);
    expect(last).toEqual({ group: 'leads', how: 'last', from: 'slack', at });
    expect(standingText(last ?? undefined, made.clock.now())).toBe(
      'slack is down; a member of leads as of 1 min before',
    );
    expect(await made.groups.standing('carol', ['leads'], nothing)).toBeNull();
    expect(await made.groups.doubt(['plain', 'leads'], nothing)).toBe(
      'who is in leads cannot be asked now; the last answer counts',
    );
    await made.clock.advance(longest - fresh - 1);
    expect(await made.groups.standing('alice', ['leads'], nothing)).toMatchObject({ how: 'last' });
    await made.clock.advance(1);
    expect(await made.groups.standing('alice', ['leads'], nothing)).toBeNull();
    expect(await made.groups.standing('carol', ['leads'], nothing)).toMatchObject({
      how: 'fallback',
      from: 'tocsin.yaml',
    });
  });

  it('is live again as soon as the platform is', async () => {
    const made = world(new Error('down'));
    expect(await made.groups.standing('carol', ['leads'], nothing)).toMatchObject({ how: 'fallback' });
    expect(await made.groups.doubt(['leads'], nothing)).toContain('tocsin.yaml counts');
    made.slack = ['T1/UA'];
    await made.clock.advance(5000);
    expect(await made.groups.standing('carol', ['leads'], nothing)).toBeNull();
    expect(await made.groups.standing('alice', ['leads'], nothing)).toMatchObject({ how: 'live' });
    expect(await made.groups.doubt(['leads'], nothing)).toBeNull();
  });

  it('does not ask a platform that just failed again at each click', async () => {
    const made = world(new Error('down'));
    for (let click = 0; click < 20; click++) await made.groups.standing('alice', ['leads'], nothing);
    expect(made.asked).toHaveLength(1);
  });

  it('waits for a slow platform only so long, and uses its answer for the next', async () => {
    const late = Promise.withResolvers<readonly string[]>();
    const made = world(late.promise);
    const first = made.groups.standing('alice', ['leads'], nothing);
    await new Promise(resolve => setImmediate(resolve));
    await made.clock.advance(2500);
    expect(await first).toBeNull();
    late.resolve(['T1/UA']);
    await late.promise;
    await new Promise(resolve => setImmediate(resolve));
    expect(await made.groups.standing('alice', ['leads'], nothing)).toMatchObject({ how: 'live' });
    expect(made.asked).toHaveLength(1);
  });

  it('a wall clock that is set back keeps nobody in a group', async () => {
    const made = world();
    await made.groups.standing('alice', ['leads'], nothing);
    made.slack = new Error('down');
    await made.clock.advance(longest + 1);
    made.clock.jump(0);
    expect(await made.groups.standing('alice', ['leads'], nothing)).toBeNull();
  });

  it('is forgotten when the platform says that it changed, also what is being asked at that moment', async () => {
    const made = world();
    await made.groups.standing('alice', ['leads'], nothing);
    made.slack = [];
    made.groups.changed('slack', 'S2');
    expect(await made.groups.standing('alice', ['leads'], nothing)).not.toBeNull();
    made.groups.changed('slack', 'S1');
    expect(await made.groups.standing('alice', ['leads'], nothing)).toBeNull();

    const old = Promise.withResolvers<readonly string[]>();
    made.slack = old.promise;
    made.groups.changed('slack', null);
    const asked = made.groups.standing('alice', ['leads'], nothing);
    await new Promise(resolve => setImmediate(resolve));
    made.slack = [];
    made.groups.changed('slack', 'S1');
    old.resolve(['T1/UA']);
    expect(await asked).toBeNull();
  });

  it('of a group that two platforms keep, the one that answers counts, and the list stands in for the other', async () => {
    const { groups } = world(['T1/UA']);
    expect(await groups.standing('alice', ['both'], nothing)).toMatchObject({ how: 'live', from: 'slack' });
    expect(await groups.standing('carol', ['both'], nothing)).toMatchObject({ how: 'fallback' });
  });
});

describe('who is on call', () => {
  it("is asked for the alert's own incident, and by whom a group names", async () => {
    const made = world();
    const incident = about({ id: 'alt_1', source: 'pagerduty', labels: { escalation_policy_id: 'PDB' } });
    expect(await made.groups.standing('bob', ['on-call'], incident)).toMatchObject({ how: 'live', from: 'pagerduty' });
    expect(await made.groups.standing('alice', ['on-call'], incident)).toBeNull();
    expect(await made.groups.standing('bob', ['web'], incident)).toMatchObject({ group: 'web' });
    expect(made.asked).toEqual(['["alt_1",null]', '["alt_1","PWEB"]']);
  });

  it('of one incident is not who is on call for another', async () => {
    const made = world();
    const of = (policy: string) => about({ source: 'pagerduty', labels: { escalation_policy_id: policy } });
    await made.groups.standing('bob', ['on-call'], of('PDB'));
    made.onCall = [];
    expect(await made.groups.standing('bob', ['on-call'], of('POTHER'))).toBeNull();
    expect(await made.groups.standing('bob', ['on-call'], of('PDB'))).not.toBeNull();
  });

  it('is not chosen by an incident that nobody signed', async () => {
    const made = world();
    const forged = about({ source: 'pagerduty', trusted: false, labels: { escalation_policy_id: 'PCHOSEN' } });
    await made.groups.standing('bob', ['on-call'], forged);
    expect(made.asked).toEqual(['[null,null]']);
  });

  it('in an outage is who tocsin.yaml lists for it', async () => {
    const made = world();
    made.onCall = new Error('down');
    expect(await made.groups.standing('alice', ['on-call'], nothing)).toMatchObject({ how: 'fallback' });
    expect(await made.groups.standing('bob', ['on-call'], nothing)).toBeNull();
  });
});
