import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { Standing } from '../model/approval.ts';
import { type Config, type GroupFacts, groupFacts } from '../model/config.ts';
import type { OnCall, OnCallQuery } from '../ports/source.ts';
import { createLookups, type Looked } from './groups-lookup.ts';

/** Who belongs to what, as it is now: the lists of tocsin.yaml, groups that chat platforms keep, and who is on call. */
export interface Groups {
  /** How the person stands in one of the groups (or is one of the people) named; null when in none of them. Never rejects. */
  standing(person: string, names: readonly string[], about: About): Promise<Standing | null>;
  /** Everybody in the group, and how that is known. Never rejects. */
  members(group: string, about: About): Promise<Members>;
  /** Forgets what is known of a group that a platform keeps, or of all of its groups: it said that they changed. */
  changed(platform: string, group: string | null): void;
}

/** `by: on-call` depends on the alert: each has its own people. */
export interface About {
  alert: Alert | null;
}

export interface Members {
  people: readonly string[];
  /** Who belongs to it by the platform or origin, and is in nobody's `accounts`: they can be shown, and may do nothing. */
  strangers: readonly { account: string; name: string }[];
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
  const lookups = createLookups(parts);

  async function members(name: string, about: About): Promise<Members> {
    const found = await partsOf(name, about);
    const how = worst(found.map(one => one.how));
    return {
      people: [...new Set(found.flatMap(one => one.people))],
      strangers: found.flatMap(one => one.strangers),
      how,
      from: [...new Set(found.map(one => one.from))].join(' and '),
      at: Math.min(...found.map(one => one.at)),
    };
  }

  /** A group may come from several places, each with its own way of knowing. */
  async function partsOf(name: string, about: About): Promise<Members[]> {
    const facts = groupFacts(parts.config(), name);
    if (facts === null) return [isForeign(name) ? ((await fromPlatform(name)) ?? nobody(name)) : listed([name])];
    const kept = await keptElsewhere(facts, about);
    if (kept.length === 0) return await fromList(facts.members);
    const answered = kept.filter(one => one !== null);
    // What tocsin.yaml lists beside a group that is kept elsewhere holds only while that place cannot be asked.
    return answered.length === kept.length
      ? answered
      : [...answered, ...(await fromList(facts.members)).map(one => ({ ...one, how: 'fallback' as const }))];
  }

  function keptElsewhere(facts: GroupFacts, about: About): Promise<(Members | null)[]> {
    const platforms = Object.entries(facts.platforms).map(([platform, id]) => fromPlatform(`${platform}:${id}`));
    return Promise.all(facts.onCall === null ? platforms : [...platforms, fromOrigin(facts.onCall, about)]);
  }

  async function fromList(members: readonly string[]): Promise<Members[]> {
    const people = members.filter(one => !isForeign(one));
    const foreign = await Promise.all(
      members.filter(isForeign).map(async one => (await fromPlatform(one)) ?? nobody(one)),
    );
    return people.length > 0 || foreign.length === 0 ? [listed(people), ...foreign] : foreign;
  }

  async function fromPlatform(name: string): Promise<Members | null> {
    const [platform = '', ...rest] = name.split(':');
    const group = rest.join(':');
    const looked = await lookups.look(`${platform}:${group}`, async () => {
      const on = parts.platform(platform);
      if (on === undefined) throw new Error(`${platform} is not on`);
      const accounts = await on.members(group);
      if (accounts === null) parts.log.warn({ platform, group }, 'the platform has no such group, so nobody is in it');
      return (accounts ?? []).map(account => ({ account, name: account }));
    });
    return looked === null ? null : mapped(looked, platform, platform);
  }

  async function fromOrigin(onCall: NonNullable<GroupFacts['onCall']>, about: About): Promise<Members | null> {
    const { source, escalationPolicy, schedule } = onCall;
    const alert = about.alert?.source === source ? about.alert : null;
    const own = escalationPolicy === null && schedule === null ? (alert?.labels['escalation_policy_id'] ?? '') : '';
    const origin = parts.origin(source);
    const looked = await lookups.look(`on-call:${source}:${escalationPolicy}:${schedule}:${own}`, async () => {
      if (origin === undefined) throw new Error(`${source} cannot tell who is on call`);
      return (await origin.onCall({ alert, escalationPolicy, schedule })).people;
    });
    return looked === null ? null : mapped(looked, source, origin?.driver ?? source);
  }

  function mapped(looked: Looked, from: string, platform: string): Members {
    const owners = new Map<string, string>();
    for (const [person, { accounts }] of Object.entries(parts.config().people)) {
      const account = accounts[platform];
      if (account !== undefined) owners.set(account, person);
    }
    const people = looked.accounts.flatMap(({ account }) => owners.get(account) ?? []);
    const strangers = looked.accounts.filter(({ account }) => !owners.has(account));
    return { people, strangers, how: looked.how, from, at: looked.at };
  }

  const listed = (people: readonly string[]): Members => ({
    people,
    strangers: [],
    how: 'file',
    from: 'tocsin.yaml',
    at: parts.clock.now(),
  });
  const nobody = (name: string): Members => ({ ...listed([]), from: name.split(':')[0] ?? name, how: 'fallback' });

  return {
    async standing(person, names, about) {
      const found = await Promise.all(
        names.map(async group => (await partsOf(group, about)).map(one => ({ group, ...one }))),
      ).catch((error: unknown) => {
        parts.log.error(
          { reason: messageOf(error), names },
          'the members of groups could not be told, so nobody is in',
        );
        return [];
      });
      const best = found
        .flat()
        .filter(one => one.people.includes(person))
        .sort((a, b) => rank.indexOf(a.how) - rank.indexOf(b.how))[0];
      return best === undefined ? null : { group: best.group, how: best.how, from: best.from, at: best.at };
    },
    members,
    changed: (platform, group) =>
      lookups.forget(group === null ? `${platform}:` : `${platform}:${group}`, group === null),
  };
}

/** From what is surest to what is least sure. */
const rank: readonly Standing['how'][] = ['file', 'live', 'last', 'fallback'];

function worst(all: readonly Standing['how'][]): Standing['how'] {
  return rank.findLast(how => all.includes(how)) ?? 'file';
}

/** Groups that a platform keeps, named as `slack:S0123`. */
function isForeign(name: string): boolean {
  return name.includes(':');
}

/** For people: how sure the standing of a voter is, when it is not simply listed or known live. */
export function standingText(standing: Standing | undefined, now: number): string | null {
  if (standing === undefined || standing.how === 'file' || standing.how === 'live') return null;
  const minutes = Math.max(1, Math.round((now - standing.at) / 60_000));
  return standing.how === 'last'
    ? `${standing.from} is down; a member of ${standing.group} as of ${minutes} min before`
    : `${standing.from} lists them for ${standing.group}, whose keeper is down`;
}
