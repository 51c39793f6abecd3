import { nearest } from '../kernel/nearest.ts';
import { zoneFault } from '../kernel/zone.ts';
import { type Config, configFile, groupFacts } from '../model/config.ts';
import { compileExpression } from '../model/expression/expression.ts';
import type { ConfiguredSource, Expectation, RouteTarget } from '../ports/catalogue.ts';
import type { ChatPlatform } from '../ports/chat.ts';
import type { Source } from '../ports/source.ts';
import { type Env, fillEnvironment } from './environment.ts';
import { compileExpectations } from './expect.ts';
import { checkName, isPlatformGroup, knownVoters } from './policy.ts';
import { createFaults, type Faults } from './problems.ts';
import { type RouteVariables, targetsAt } from './routes.ts';
import { readAs, settle } from './scalars.ts';
import type { Path, YamlFile } from './yaml.ts';

export interface ConfigParts {
  env: Env;
  sources: ReadonlyMap<string, Source>;
  /** The chat platforms; null when they are not to be checked. */
  platforms: ReadonlyMap<string, ChatPlatform> | null;
}

export interface CompiledConfig {
  config: Config;
  sources: ReadonlyMap<string, ConfiguredSource>;
  routes: readonly CompiledRoute[];
  targets: readonly RouteTarget[];
  expectations: readonly Expectation[];
}

export interface CompiledRoute {
  holds(variables: RouteVariables): boolean;
  to: readonly string[];
}

/** The config without a tocsin.yaml: two local people, who can approve each other's requests, and Alertmanager's webhook. */
export const standardConfig = {
  people: { you: {}, sam: {} },
  groups: { sre: ['you', 'sam'] },
  operators: ['sre'],
  sources: { alertmanager: {} },
};

/** Compiles tocsin.yaml. `compiled` is null when it has errors; `config` is null when its shape is wrong. */
export function compileConfig(
  yaml: YamlFile,
  parts: ConfigParts,
): { compiled: CompiledConfig | null; config: Config | null; faults: Faults } {
  const faults = createFaults(yaml);
  const data = fillEnvironment(yaml.data ?? {}, parts.env, faults);
  const { parsed } = readAs(configFile, withEmptyMaps(data), faults, [], isForDriver);
  if (!parsed.success) {
    faults.addIssues([], parsed.error.issues, configFile);
    return { compiled: null, config: null, faults };
  }
  const config = withOnCall(parsed.data, parts.sources, yaml);
  checkPeople(config, faults);
  checkTimezone(config, faults);
  checkTokens(config, faults, parts.env);
  const sources = configureSources(config, faults, parts.sources);
  const routes = compileRoutes(config, faults);
  const expectations = compileExpectations(config, faults, sources);
  const targets = collectTargets(config, faults, parts.platforms);
  checkChat(config, faults, parts.platforms);
  checkGroups(config, faults, { sources, platforms: parts.platforms });
  const failed = faults.list.some(fault => fault.level === 'error');
  return { compiled: failed ? null : { config, sources, routes, targets, expectations }, config, faults };
}

/** True for the options of a source or a chat platform, which have a schema of their own. */
function isForDriver([section, _name, option]: Path): boolean {
  return (section === 'sources' || section === 'chat') && option !== undefined;
}

/** An entry without a value, such as `alertmanager:`, means its defaults. */
function withEmptyMaps(data: unknown): unknown {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) return data;
  const record: Record<string, unknown> = { ...data };
  for (const key of ['sources', 'chat', 'people']) {
    const section = record[key];
    if (section === null || typeof section !== 'object' || Array.isArray(section)) continue;
    record[key] = Object.fromEntries(Object.entries(section).map(([name, value]) => [name, value ?? {}]));
  }
  return record;
}

function checkPeople(config: Config, faults: Faults) {
  const people = Object.keys(config.people);
  for (const name of Object.keys(config.groups))
    if (people.includes(name))
      faults.add(['groups', name], `"${name}" is the name of a person too`, { key: true, given: name });
  for (const [group, given] of Object.entries(config.groups)) {
    const path = ['groups', group, ...(Array.isArray(given) ? [] : ['members'])];
    groupFacts(config, group)?.members.forEach((member, index) => {
      if (!people.includes(member) && !isPlatformGroup(member))
        faults.add([...path, index], `there is no person "${member}"`, {
          given: member,
          allowed: people.join(', ') || 'entries under people:',
          nearest: nearest(member, people),
        });
    });
  }
  const voters = knownVoters(config);
  config.operators.forEach((name, index) => {
    checkName(name, ['operators', index], faults, voters);
  });
  checkAccounts(config, faults);
}

/** An account may belong to one person only; otherwise one human could vote as two. */
function checkAccounts(config: Config, faults: Faults) {
  const owners = new Map<string, string>();
  for (const [person, { accounts }] of Object.entries(config.people))
    for (const [platform, account] of Object.entries(accounts)) {
      const key = `${platform}:${account}`;
      const owner = owners.get(key);
      if (owner !== undefined)
        faults.add(['people', person, 'accounts', platform], `this account belongs to ${owner} already`, {
          given: key,
        });
      owners.set(key, person);
    }
}

/** Adds the group `on-call` when exactly one source can look up who is on call, and no group or person has that name. */
function withOnCall(config: Config, shelf: ReadonlyMap<string, Source>, yaml: YamlFile): Config {
  if (Object.hasOwn(config.groups, 'on-call') || Object.hasOwn(config.people, 'on-call')) return config;
  const able = Object.entries(config.sources).filter(([name, { type, ...options }]) => {
    const driver = shelf.get(type ?? name);
    if (driver === undefined) return false;
    const { parsed } = settle(driver.options, options, yaml, ['sources', name]);
    return parsed.success && tellsOnCall(driver, parsed.data);
  });
  const [only] = able;
  if (only === undefined || able.length > 1) return config;
  return { ...config, groups: { ...config.groups, 'on-call': { onCall: only[0] } } };
}

function tellsOnCall(driver: Source, options: unknown): boolean {
  return driver.tellsOnCall?.(options) === true;
}

/** The platform or source that keeps a group must exist and be able to look it up. */
function checkGroups(
  config: Config,
  faults: Faults,
  known: { sources: ReadonlyMap<string, ConfiguredSource>; platforms: ConfigParts['platforms'] },
) {
  const able = [...known.sources.values()].filter(one => tellsOnCall(one.driver, one.options)).map(one => one.name);
  for (const group of Object.keys(config.groups)) {
    const facts = groupFacts(config, group);
    for (const platform of Object.keys(facts?.platforms ?? {}))
      if (known.platforms !== null && !known.platforms.has(platform))
        faults.add(['groups', group, platform], `there is no chat platform "${platform}"`, {
          key: true,
          given: platform,
          allowed: [...known.platforms.keys(), 'members', 'onCall', 'escalationPolicy', 'schedule'].join(', '),
          nearest: nearest(platform, [...known.platforms.keys(), 'members', 'onCall', 'escalationPolicy', 'schedule']),
        });
    const source = facts?.onCall?.source;
    if (source !== undefined && !able.includes(source) && !(source in config.sources && !known.sources.has(source)))
      faults.add(['groups', group, 'onCall'], `"${source}" is no source that can tell who is on call`, {
        given: source,
        allowed: able.join(', ') || 'a source under sources: with the key for it, for example pagerduty with apiToken',
        nearest: nearest(source, able),
      });
  }
}

function checkTimezone(config: Config, faults: Faults) {
  const fault = zoneFault(config.timezone);
  if (fault === null) return;
  const { message, allowed, nearest: near } = fault;
  faults.add(['timezone'], `this ${message}`, {
    given: config.timezone,
    allowed,
    nearest: near,
  });
}

function checkTokens(config: Config, faults: Faults, env: Env) {
  const people = Object.keys(config.people);
  config.tokens.forEach((token, index) => {
    if ('person' in token && !people.includes(token.person))
      faults.add(['tokens', index, 'person'], `there is no person "${token.person}"`, {
        given: token.person,
        allowed: people.join(', '),
        nearest: nearest(token.person, people),
      });
    if (!env[token.env])
      faults.add(
        ['tokens', index, 'env'],
        `the environment variable ${token.env} is not set, so that nobody can use this token`,
        { given: token.env, level: 'warning' },
      );
  });
}

function configureSources(
  config: Config,
  faults: Faults,
  shelf: ReadonlyMap<string, Source>,
): Map<string, ConfiguredSource> {
  const configured = new Map<string, ConfiguredSource>();
  for (const [name, { type, ...options }] of Object.entries(config.sources)) {
    const path = ['sources', name];
    const driver = shelf.get(type ?? name);
    if (driver === undefined) {
      const known = [...shelf.keys()];
      const what =
        type === undefined
          ? `there is no source "${name}"; a name of your own needs type:`
          : `there is no source type "${type}"`;
      faults.add(type === undefined ? path : [...path, 'type'], what, {
        key: type === undefined,
        given: type ?? name,
        allowed: known.join(', '),
        nearest: nearest(type ?? name, known),
      });
      continue;
    }
    const { parsed, data } = readAs(driver.options, options, faults, path);
    config.sources[name] = { ...(data as object), ...(type === undefined ? {} : { type }) };
    if (!parsed.success) {
      faults.addIssues(path, parsed.error.issues, driver.options);
      continue;
    }
    configured.set(name, { name, driver, options: parsed.data });
    for (const { at, what, allowed } of driver.warnings?.(parsed.data) ?? [])
      faults.add([...path, ...at], what, { level: 'warning', allowed });
  }
  return configured;
}

/** All valid channels of routes, the digest and the fallback, with their positions. */
function collectTargets(config: Config, faults: Faults, platforms: ConfigParts['platforms']): RouteTarget[] {
  const routed = config.routes.flatMap((route, index) =>
    route.to.map((target, place) => ({ target, path: ['routes', index, 'to', place] })),
  );
  const digest = (config.digest?.to ?? []).map((target, place) => ({ target, path: ['digest', 'to', place] }));
  return [...routed, ...digest, { target: config.fallback, path: ['fallback'] }].flatMap(({ target, path }) =>
    targetsAt(target, path, faults, platforms),
  );
}

function compileRoutes(config: Config, faults: Faults): CompiledRoute[] {
  return config.routes.flatMap((route, index) => {
    if (route.when === undefined) return [{ holds: () => true, to: route.to }];
    try {
      const when = compileExpression(route.when, 'route', 'bool');
      return [{ holds: (variables: RouteVariables) => when.evaluate(variables), to: route.to }];
    } catch (error) {
      faults.addExpression(['routes', index, 'when'], error);
      return [];
    }
  });
}

function checkChat(config: Config, faults: Faults, platforms: ConfigParts['platforms']) {
  if (platforms === null) return;
  for (const [name, options] of Object.entries(config.chat)) {
    const platform = platforms.get(name);
    if (platform === undefined) {
      faults.add(['chat', name], `there is no chat platform "${name}"`, {
        key: true,
        given: name,
        allowed: [...platforms.keys()].join(', '),
        nearest: nearest(name, platforms.keys()),
      });
      continue;
    }
    const { parsed, data } = readAs(platform.options, options, faults, ['chat', name]);
    config.chat[name] = data as Record<string, unknown>;
    if (!parsed.success) faults.addIssues(['chat', name], parsed.error.issues, platform.options);
  }
}
