import { nearest } from '../kernel/nearest.ts';
import type { Config } from '../model/config.ts';
import type { DoorName, ServiceDoors } from '../model/gates/doors.ts';
import { door } from '../model/gates/gate.ts';
import { type GateFile, gatesFile } from '../model/gates/gates-file.ts';
import type { Doors, GateSpec, Policy, RouteTarget } from '../ports/catalogue.ts';
import { type Env, fillEnvironment } from './environment.ts';
import { compileEvidence, type TrustFile } from './evidence.ts';
import { bestOf } from './gate-rules.ts';
import { kubernetesDoor } from './kubernetes-door.ts';
import { createFaults, type Faults } from './problems.ts';
import { targetsAt } from './routes.ts';
import { readAs } from './scalars.ts';
import type { Path, YamlFile } from './yaml.ts';

export interface GatesParts {
  /** Null when tocsin.yaml has errors: then names of callers are not checked. */
  config: Config | null;
  /** Null when there is no policy.yaml, or one with errors. */
  policy: Policy | null;
  /** The chat platforms; null where nobody knows them. */
  platforms: ReadonlyMap<string, unknown> | null;
  /** Those that `readTrustFiles` found in it. */
  files: ReadonlyMap<string, TrustFile>;
  /** Where the secrets of doors come from. */
  env: Env;
}

export interface CompiledGates {
  /** Null when the file has errors. */
  gates: ReadonlyMap<string, GateSpec> | null;
  doors: Doors;
  /** The channels that it names. */
  targets: readonly RouteTarget[];
  faults: Faults;
}

/** Compiles gates.yaml. */
export function compileGates(yaml: YamlFile, { config, policy, platforms, files, env }: GatesParts): CompiledGates {
  const faults = createFaults(yaml);
  const { parsed } = readAs(gatesFile, withSecrets(yaml.data ?? {}, env, faults), faults, []);
  if (!parsed.success) faults.addIssues([], parsed.error.issues, gatesFile);
  const gates = new Map<string, GateSpec>();
  const targets: RouteTarget[] = [];
  for (const [name, file] of Object.entries(parsed.success ? parsed.data.gates : {})) {
    const ask = config === null ? [] : callersOf(file, ['gates', name, 'ask'], faults, config);
    targets.push(...file.to.flatMap((to, index) => targetsAt(to, ['gates', name, 'to', index], faults, platforms)));
    const evidence = compileEvidence(file.evidence, { path: ['gates', name, 'evidence'], faults, files });
    gates.set(name, specOf(name, file, ask, evidence));
    if (policy !== null) warnUndecided(name, policy, faults, config);
  }
  const { kubernetes, ...services } = parsed.success ? parsed.data.doors : {};
  for (const door of Object.keys(services) as DoorName[]) checkDoor(door, services, gates, config, faults);
  const doors = {
    ...services,
    kubernetes: kubernetes === undefined ? null : kubernetesDoor(kubernetes, gates, faults),
  };
  return { gates: faults.list.some(fault => fault.level === 'error') ? null : gates, doors, targets, faults };
}

/** Warns of a gate whose questions lead nowhere, as far as can be known before one is asked. */
function warnUndecided(name: string, { rules }: Policy, faults: Faults, config: Config | null) {
  const best = bestOf(name, rules);
  if (best === 'decided') return;
  const warn = (message: string, allowed?: string) =>
    faults.add(['gates', name], message, { key: true, level: 'warning', allowed });
  if (best !== 'no rule')
    return warn(`no rule lets "${name}" through or asks about it before "${best.deniedBy}" denies everything`);
  const asked = config === null ? null : config.operators.length > 0 ? config.operators : Object.keys(config.people);
  const then =
    asked?.length === 0
      ? 'and tocsin.yaml names nobody who could be asked'
      : `so ${asked?.join(', ') ?? 'people'} are asked about everything`;
  warn(
    `no rule of policy.yaml lets "${name}" through or asks about it, ${then}`,
    `a rule with when: gate.name == "${name}"`,
  );
}

/** Only doors have secrets, which come from the environment as in tocsin.yaml. */
function withSecrets(data: unknown, env: Env, faults: Faults): unknown {
  if (data === null || typeof data !== 'object' || !('doors' in data)) return data;
  return { ...data, doors: fillEnvironment(data.doors, env, faults, ['doors']) };
}

/** A door that could ask nothing is a mistake. */
function checkDoor(
  door: DoorName,
  doors: ServiceDoors,
  gates: ReadonlyMap<string, GateSpec>,
  config: Config | null,
  faults: Faults,
): void {
  const wanted = doors[door]?.gate;
  if (wanted === undefined) return;
  const gate = gates.get(wanted);
  const path = ['doors', door, 'gate'];
  if (gate === undefined)
    faults.add(path, `there is no gate "${wanted}"`, {
      given: wanted,
      allowed: [...gates.keys()].join(', '),
      nearest: nearest(wanted, gates.keys()),
    });
  else if (config !== null && !gate.ask.includes(`service:door:${door}`))
    faults.add(path, `the gate "${wanted}" does not let this door ask, so every question would be refused`, {
      given: wanted,
      allowed: `a gate whose ask has door:${door}`,
    });
}

function specOf(
  name: string,
  { about, needs, to, guards, holds }: GateFile,
  ask: readonly string[],
  evidence: GateSpec['evidence'],
): GateSpec {
  return { name, about, ask, needs, to, guards, holds: holds ?? null, evidence };
}

/** The callers that a file can name, with their identities. A door is a service of its own. */
function knownCallers(config: Config): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>();
  const add = (word: string, identity: string) => known.set(word, (known.get(word) ?? new Set()).add(identity));
  for (const token of config.tokens)
    if ('person' in token) add(token.person, `person:${token.person}`);
    else add(token.service, `service:${token.service}`);
  for (const one of door.options) if (one !== 'http') add(`door:${one}`, `service:door:${one}`);
  return known;
}

function callersOf({ ask }: GateFile, path: Path, faults: Faults, config: Config): string[] {
  const known = knownCallers(config);
  return ask.flatMap((one, index) => {
    const [identity, second] = known.get(one) ?? [];
    if (identity !== undefined && second === undefined) return [identity];
    const message =
      identity === undefined
        ? `no token of tocsin.yaml belongs to "${one}", so nobody asks as it`
        : `tocsin.yaml has a person and a service called "${one}", and one of them would ask for the other`;
    const allowed = [...known].flatMap(([word, identities]) => (identities.size === 1 ? [word] : [])).join(', ');
    // A token that is taken out of tocsin.yaml must end at once, and an error here would keep the files as they were.
    const level = identity === undefined && !one.startsWith('door:') ? 'warning' : 'error';
    faults.add([...path, index], message, { given: one, allowed, nearest: nearest(one, known.keys()), level });
    return [];
  });
}
