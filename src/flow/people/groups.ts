import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Alert } from '../../model/alert.ts';
import type { Standing } from '../../model/approval.ts';
import { type Config, type GroupFacts, groupFacts } from '../../model/config.ts';
import type { OnCall, OnCallQuery } from '../../ports/origin.ts';
import { createLookups, type Looked, type Lookups } from './groups-lookup.ts';

/** Who is in which group now: by the lists of tocsin.yaml, by groups that chat platforms keep, and by who is on call. */
export interface Groups {
  /** How the person is known to be in one of the groups (or one of the people) named; null when in none of them. Never rejects. */
  standing(person: string, names: readonly string[], about: About): Promise<Standing | null>;
  /** All members of the group, by each place that keeps them and how it knows. Never rejects, and never empty. */
  members(name: string, about: About): Promise<readonly Members[]>;
  /** For a refused voter: which of the groups cannot be asked now, and what counts instead; null when all can. */
  doubt(names: readonly string[], about: About): Promise<string | null>;
  /** The people of the groups (and those named), as far as they are known now. Never rejects; null when they could not be looked up. */
  people(names: readonly string[], about: About): Promise<readonly string[] | null>;
  /** Forgets the members of a group that a platform keeps, or of all of its groups, after the platform said that they changed. */
  changed(platform: string, group: string | null): void;
}

/** `by: on-call` depends on the alert: each has its own people. */
export interface About {
  alert: Alert | null;
}

export interface Members {
  people: readonly string[];
  how: Standing['how'];
  from: string;
  at: number;
}

export interface GroupParts {
  clock: Clock;
  log: Log;
  config(): Pick<Config, 'groups' | 'people'>;
  /** A chat platform that is on. */
  platform(id: string): { members(group: string): Promise<readonly string[] | null> } | undefined;
  /** A source that can tell who is on call; `driver` is the key of its accounts in `people`. */
  origin(source: string): { driver: string; onCall(query: OnCallQuery): Promise<OnCall> } | undefined;
}

export function createGroups(parts: GroupParts): Groups {
  const ctx: LookupContext = { parts, lookups: createLookups(parts) };
  return {
    async standing(person, names, about) {
      const found = await Promise.all(
        names.map(async group => (await partsOf(group, about, ctx)).map(one => ({ group, ...one }))),
      ).catch((error: unknown) => {
        parts.log.error(
          { reason: messageOf(error), names },
          'the members of groups could not be looked up, so nobody is in them',
        );
        return [];
      });
      const best = found
        .flat()
        .filter(one => one.people.includes(person))
        .sort((a, b) => rank.indexOf(a.how) - rank.indexOf(b.how))[0];
      return best === undefined ? null : { group: best.group, how: best.how, from: best.from, at: best.at };
    },
    members: (name, about) => partsOf(name, about, ctx),
    async doubt(names, about) {
      const found = await Promise.all(names.map(async name => [name, await partsOf(name, about, ctx)] as const));
      const unsure = found.flatMap(([name, parts]) => {
        const how = parts.map(one => one.how).filter(one => one === 'last' || one === 'fallback');
        if (how.length === 0) return [];
        return `who is in ${name} cannot be asked now; ${how.includes('last') ? 'the last answer counts' : 'tocsin.yaml counts'}`;
      });
      return unsure.length === 0 ? null : unsure.join('; ');
    },
    async people(names, about) {
      try {
        const found = await Promise.all(names.map(name => partsOf(name, about, ctx)));
        return [...new Set(found.flat().flatMap(one => one.people))];
      } catch (error) {
        parts.log.warn({ reason: messageOf(error), names }, 'who is in groups could not be looked up');
        return null;
      }
    },
    changed(platform, group) {
      ctx.lookups.forget(group === null ? `${platform}:` : `${platform}:${group}`, group === null);
    },
  };
}

interface LookupContext {
  parts: GroupParts;
  lookups: Lookups;
}

/** The members of a group, by each place that keeps them and how it knows. Never empty. */
async function partsOf(name: string, about: About, ctx: LookupContext): Promise<Members[]> {
  const facts = groupFacts(ctx.parts.config(), name);
  if (facts === null) return await fromList([name], ctx);
  const kept = await keptElsewhere(facts, about, ctx);
  if (kept.length === 0) return await fromList(facts.members, ctx);
  const answered = kept.filter(one => one !== null);
  if (answered.length === kept.length) return answered;
  // What tocsin.yaml lists for a group that is kept elsewhere counts only while that place cannot be asked.
  const listed = await fromList(facts.members, ctx);
  return [...answered, ...listed.map(one => ({ ...one, how: 'fallback' as const }))];
}

/** Null for each place that cannot be asked and whose last answer is too old. */
function keptElsewhere(facts: GroupFacts, about: About, ctx: LookupContext): Promise<(Members | null)[]> {
  const platforms = Object.entries(facts.platforms).map(([platform, id]) => fromPlatform(`${platform}:${id}`, ctx));
  return Promise.all(facts.onCall === null ? platforms : [...platforms, fromOrigin(facts.onCall, about, ctx)]);
}

/** People by id, and groups of platforms as `slack:S0123`. */
async function fromList(members: readonly string[], ctx: LookupContext): Promise<Members[]> {
  const at = ctx.parts.clock.now();
  const list = (people: readonly string[], from: string): Members => ({ people, how: 'file', from, at });
  const platformGroups = members.filter(one => one.includes(':'));
  const people = members.filter(one => !one.includes(':'));
  const kept = await Promise.all(
    platformGroups.map(async one => (await fromPlatform(one, ctx)) ?? { ...list([], one), how: 'fallback' as const }),
  );
  return people.length > 0 || kept.length === 0 ? [list(people, 'tocsin.yaml'), ...kept] : kept;
}

async function fromPlatform(name: string, ctx: LookupContext): Promise<Members | null> {
  const { parts, lookups } = ctx;
  const [platform = '', ...rest] = name.split(':');
  const group = rest.join(':');
  const looked = await lookups.look(name, async () => {
    const on = parts.platform(platform);
    if (on === undefined) throw new Error(`${platform} is not on`);
    const accounts = await on.members(group);
    if (accounts === null) parts.log.warn({ platform, group }, 'the platform has no such group, so nobody is in it');
    return (accounts ?? []).map(account => ({ account, name: account }));
  });
  return looked === null ? null : mapped(looked, platform, platform, parts);
}

async function fromOrigin(
  onCall: NonNullable<GroupFacts['onCall']>,
  about: About,
  { parts, lookups }: LookupContext,
): Promise<Members | null> {
  const { source, escalationPolicy, schedule } = onCall;
  // An unsigned incident must not choose who may approve.
  const alert = about.alert?.source === source && about.alert.trusted ? about.alert : null;
  const own = escalationPolicy === null && schedule === null ? (alert?.labels['escalation_policy_id'] ?? '') : '';
  const origin = parts.origin(source);
  const key = JSON.stringify(['on-call', source, escalationPolicy, schedule, own]);
  const looked = await lookups.look(key, async () => {
    if (origin === undefined) throw new Error(`${source} cannot tell who is on call`);
    return (await origin.onCall({ alert, escalationPolicy, schedule })).people;
  });
  return looked === null ? null : mapped(looked, source, origin?.driver ?? source, parts);
}

function mapped(looked: Looked, from: string, platform: string, parts: GroupParts): Members {
  const owners = new Map<string, string>();
  for (const [person, { accounts }] of Object.entries(parts.config().people)) {
    const account = accounts[platform];
    if (account !== undefined) owners.set(account, person);
  }
  const people = looked.accounts.flatMap(({ account }) => owners.get(account) ?? []);
  return { people, how: looked.how, from, at: looked.at };
}

/** From the surest to the least sure. */
const rank: readonly Standing['how'][] = ['file', 'live', 'last', 'fallback'];

/** How a voter's membership is known, as text for people; null when it is listed or known live. */
export function standingText(standing: Standing | undefined, now: number): string | null {
  if (standing === undefined || standing.how === 'file' || standing.how === 'live') return null;
  const minutes = Math.max(1, Math.round((now - standing.at) / 60_000));
  return standing.how === 'last'
    ? `${standing.from} is down; a member of ${standing.group} as of ${minutes} min before`
    : `${standing.from} lists them for ${standing.group}, whose keeper is down`;
}
