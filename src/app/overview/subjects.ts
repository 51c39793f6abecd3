import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { type Config, groupFacts } from '../../model/config.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { ChatPlatform } from '../../ports/chat.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { tellAsking } from './asking.ts';

/** A section of the report. */
export interface Subject {
  title: string;
  findings: Finding[];
}

export interface SubjectTools {
  catalogue: Catalogue;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  clock: Clock;
  fetch: typeof fetch;
  platforms: ReadonlyMap<string, ChatPlatform>;
}

/** How long all the checks of one platform or source may take, milliseconds. */
const patience = 30_000;

export async function checkPlatforms(tools: SubjectTools): Promise<Subject[]> {
  const subjects = await Promise.all([...tools.platforms].map(entry => checkPlatform(...entry, tools)));
  return subjects.filter(subject => subject.findings.length > 0);
}

async function checkPlatform(id: string, platform: ChatPlatform, tools: SubjectTools): Promise<Subject> {
  const { config } = tools.catalogue.current();
  const wanted = checkToolsFor(id, tools, { channels: channelsOf(id, config), groups: groupsOf(id, tools.catalogue) });
  if (platform.isOn?.(wanted.env) === false) {
    const named = wanted.channels.length > 0 || wanted.groups.length > 0 || config.chat[id] !== undefined;
    return { title: id, findings: named ? [offFinding(id)] : [] };
  }
  const check = platform.check;
  if (check === undefined) return { title: id, findings: [] };
  const options = platform.options.parse(config.chat[id] ?? {});
  return { title: id, findings: await findSafely(id, () => check(options, wanted)) };
}

function offFinding(id: string): Finding {
  return {
    what: 'its token',
    state: 'bad',
    because: `tocsin.yaml names ${id}, and the environment has no token for it, so that it is off`,
    remedy: `Set the token in the environment; docs/${id}.md says which.`,
  };
}

function channelsOf(platform: string, config: Config): string[] {
  const targets = [...config.routes.flatMap(route => route.to), config.fallback];
  const own = targets.filter(target => target.startsWith(`${platform}:`));
  return [...new Set(own.map(target => target.slice(platform.length + 1)))];
}

/** Groups of a platform by its own ids, wherever they are named. */
function groupsOf(platform: string, catalogue: Catalogue): string[] {
  const { config, policy } = catalogue.current();
  const facts = Object.keys(config.groups).map(name => groupFacts(config, name));
  const kept = facts.flatMap(one => one?.platforms[platform] ?? []);
  const named = [
    ...facts.flatMap(one => one?.members ?? []),
    ...config.operators,
    ...policy.rules.flatMap(rule => [...(rule.ask?.by ?? []), ...(rule.ask?.escalate ? [rule.ask.escalate] : [])]),
  ].filter(name => name.startsWith(`${platform}:`));
  return [...new Set([...kept, ...named.map(name => name.slice(platform.length + 1))])];
}

export async function checkSources(tools: SubjectTools): Promise<Subject[]> {
  const { sources } = tools.catalogue.current();
  const subjects = await Promise.all(
    [...sources.values()].map(async source => {
      const { name, driver, options } = source;
      const { check } = driver;
      if (check === undefined) return { title: name, findings: tellAsking(source, [], tools) };
      const wanted = checkToolsFor(driver.id, tools, { channels: [], groups: rotasOf(name, tools.catalogue) });
      const findings = await findSafely(name, () => check(options, { ...wanted, name }));
      return { title: name, findings: tellAsking(source, findings, tools) };
    }),
  );
  return subjects.filter(subject => subject.findings.length > 0);
}

/** `escalation_policies/PEP1`, `schedules/PS1`: whose on-call people groups of tocsin.yaml are. */
function rotasOf(source: string, catalogue: Catalogue): string[] {
  const { config } = catalogue.current();
  return Object.keys(config.groups).flatMap(name => {
    const onCall = groupFacts(config, name)?.onCall;
    if (onCall?.source !== source) return [];
    return [
      ...(onCall.escalationPolicy === null ? [] : [`escalation_policies/${onCall.escalationPolicy}`]),
      ...(onCall.schedule === null ? [] : [`schedules/${onCall.schedule}`]),
    ];
  });
}

/** `id` is the key of the accounts in `people`. */
function checkToolsFor(
  id: string,
  { catalogue, env, signal, clock, fetch }: SubjectTools,
  named: Pick<CheckTools, 'channels' | 'groups'>,
): CheckTools {
  const { config } = catalogue.current();
  const accounts = Object.entries(config.people).flatMap(([person, facts]) => {
    const account = facts.accounts[id];
    return account === undefined ? [] : [[person, account] as const];
  });
  return {
    clock,
    fetch,
    env: name => env[name],
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    url: config.url ?? null,
    name: id,
    ...named,
    accounts: Object.fromEntries(accounts),
  };
}

/** Turns a check that throws into a finding. */
async function findSafely(what: string, find: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await find();
  } catch (error) {
    return [{ what, state: 'bad', because: `the check itself failed: ${messageOf(error)}` }];
  }
}
