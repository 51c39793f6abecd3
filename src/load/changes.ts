import { nearest } from '../kernel/nearest.ts';
import type { Config } from '../model/config.ts';
import { type ChangesFile, changesFile } from '../model/ledger/changes-file.ts';
import type { ChangesSpec } from '../ports/catalogue.ts';
import { ledgerOf } from './ledger.ts';
import { checkName, knownVoters } from './policy.ts';
import { createFaults, type Faults } from './problems.ts';
import { readAs } from './scalars.ts';
import type { Path, YamlFile } from './yaml.ts';

/** What holds without a changes.yaml: nobody may open a window. */
export const noChanges: ChangesSpec = { ledger: null, principals: new Map(), breakGlass: null, claims: null };

/** Compiles changes.yaml. Names are checked against `config`, which is null when tocsin.yaml has errors. */
export function compileChanges(yaml: YamlFile, config: Config | null): { changes: ChangesSpec | null; faults: Faults } {
  const faults = createFaults(yaml);
  const { parsed } = readAs(changesFile, yaml.data ?? {}, faults, []);
  if (!parsed.success) faults.addIssues([], parsed.error.issues, changesFile);
  if (!parsed.success) return { changes: null, faults };
  const file = parsed.data;
  const principals = ownersOf(file, faults);
  if (config !== null) checkNames(file, config, faults);
  const ledger = ledgerOf(file, config, faults);
  const changes = { ledger, principals, breakGlass: breakGlassOf(file, config), claims: claimsOf(file) };
  return { changes: faults.list.some(fault => fault.level === 'error') ? null : changes, faults };
}

/** Whose a principal is. One that two people have would make each of them answer for the other. */
function ownersOf({ principals }: ChangesFile, faults: Faults): Map<string, string> {
  const owners = new Map<string, string>();
  for (const [person, list] of Object.entries(principals))
    for (const [index, principal] of list.entries()) {
      const known = owners.get(principal);
      if (known !== undefined)
        faults.add(['principals', person, index], `this is a principal of ${known} already`, { given: principal });
      owners.set(principal, person);
    }
  return owners;
}

const listOf = (given: string | readonly string[]) => (typeof given === 'string' ? [given] : [...given]);

function breakGlassOf({ breakGlass }: ChangesFile, config: Config | null): ChangesSpec['breakGlass'] {
  if (breakGlass === undefined) return null;
  const { group, max, pages = null, to, mention } = breakGlass;
  return { by: listOf(group), max, pages, to, mention: listOf(mention ?? config?.operators ?? []) };
}

function claimsOf({ claims }: ChangesFile): ChangesSpec['claims'] {
  return claims === undefined ? null : { by: listOf(claims.by), quorum: claims.quorum, expires: claims.expires };
}

function checkNames(file: ChangesFile, config: Config, faults: Faults): void {
  const { principals, breakGlass, claims } = file;
  for (const person of Object.keys(principals))
    if (!Object.hasOwn(config.people, person))
      addUnknown(
        faults,
        ['principals', person],
        `tocsin.yaml has nobody called "${person}"`,
        person,
        config.people,
        true,
      );
  const known = knownVoters(config);
  const check = (given: string | readonly string[] | undefined, path: Path) => {
    for (const [index, one] of listOf(given ?? []).entries())
      checkName(one, typeof given === 'string' ? path : [...path, index], faults, known);
  };
  check(breakGlass?.group, ['breakGlass', 'group']);
  check(breakGlass?.mention, ['breakGlass', 'mention']);
  check(claims?.by, ['claims', 'by']);
  for (const [index, source] of (breakGlass?.pages ?? []).entries())
    if (!Object.hasOwn(config.sources, source))
      addUnknown(
        faults,
        ['breakGlass', 'pages', index],
        `tocsin.yaml has no source "${source}"`,
        source,
        config.sources,
      );
}

function addUnknown(faults: Faults, path: Path, message: string, given: string, among: object, key = false): void {
  const known = Object.keys(among);
  faults.add(path, message, { key, given, allowed: known.join(', '), nearest: nearest(given, known) });
}
