import { nearest } from '../kernel/nearest.ts';
import type { Config } from '../model/config.ts';
import { door } from '../model/gates/gate.ts';
import { type GateFile, gatesFile } from '../model/gates/gates-file.ts';
import type { GateSpec } from '../ports/catalogue.ts';
import { createFaults, type Faults } from './problems.ts';
import { readAs } from './scalars.ts';
import type { Path, YamlFile } from './yaml.ts';

/** Compiles gates.yaml. Names of callers are checked against `config`, which is null when tocsin.yaml has errors. */
export function compileGates(
  yaml: YamlFile,
  config: Config | null,
): { gates: ReadonlyMap<string, GateSpec> | null; faults: Faults } {
  const faults = createFaults(yaml);
  const { parsed } = readAs(gatesFile, yaml.data ?? {}, faults, []);
  if (!parsed.success) faults.addIssues([], parsed.error.issues, gatesFile);
  const gates = new Map<string, GateSpec>();
  for (const [name, file] of Object.entries(parsed.success ? parsed.data.gates : {})) {
    const ask = config === null ? [] : callersOf(file, ['gates', name, 'ask'], faults, config);
    gates.set(name, specOf(name, file, ask));
  }
  return { gates: faults.list.some(fault => fault.level === 'error') ? null : gates, faults };
}

function specOf(name: string, { about, needs, to, holds }: GateFile, ask: readonly string[]): GateSpec {
  return { name, about, ask, needs, to, holds: holds ?? null };
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
        ? `no token of tocsin.yaml belongs to "${one}", so nobody could ask as it`
        : `tocsin.yaml has a person and a service called "${one}", and one of them would ask for the other`;
    const allowed = [...known].flatMap(([word, identities]) => (identities.size === 1 ? [word] : [])).join(', ');
    faults.add([...path, index], message, { given: one, allowed, nearest: nearest(one, known.keys()) });
    return [];
  });
}
