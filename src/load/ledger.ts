import { nearest } from '../kernel/nearest.ts';
import type { Config } from '../model/config.ts';
import type { ChangesFile } from '../model/ledger/changes-file.ts';
import type { LedgerFile } from '../model/ledger/ledger-file.ts';
import { principalName } from '../model/ledger/principal.ts';
import { changesSource } from '../ports/catalogue.ts';
import type { Faults } from './problems.ts';
import type { Path } from './yaml.ts';

/** What changes.yaml says of holding changes against permits. Principals of runs get the names that changes carry. */
export function ledgerOf(file: ChangesFile, config: Config | null, faults: Faults): LedgerFile {
  const { principals: _, breakGlass: _glass, claims: _claims, ...ledger } = file;
  checkFile(ledger, faults);
  if (config !== null) checkNames(ledger, config, faults);
  return { ...ledger, runPrincipal: ledger.runPrincipal.map(principalName) };
}

function checkFile({ runPrincipal, known, importers, labels }: LedgerFile, faults: Faults): void {
  runPrincipal.forEach((one, index) => {
    const given = (faults.yaml.data as { runPrincipal?: unknown }).runPrincipal;
    const path: Path = Array.isArray(given) ? ['runPrincipal', index] : ['runPrincipal'];
    const what = 'a run acts as principals that are known exactly';
    if (one.includes('*')) faults.add(path, what, { given: one, allowed: 'names without *' });
  });
  known.forEach(({ from, until }, index) => {
    const isEmpty = from !== undefined && until !== undefined && until <= from;
    if (isEmpty) faults.add(['known', index, 'until'], 'it ends before it begins');
  });
  importers.forEach(({ principals }, index) => {
    principals.forEach((one, at) => {
      // Widening it to all paths would permit more than is written, and what is written fits no change.
      const what = 'changes name a role without its path, so that this fits none of them';
      const allowed = principalName(one);
      if (allowed !== one) faults.add(['importers', index, 'principals', at], what, { given: one, allowed });
    });
  });
  if (Object.hasOwn(labels, 'unpermitted'))
    faults.add(['labels', 'unpermitted'], 'the label "unpermitted" is set by Tocsin', { key: true });
}

function checkNames({ watch, known, sources, importers }: LedgerFile, config: Config, faults: Faults): void {
  const named = Object.keys(config.sources);
  const check = (path: Path, given: string, known: readonly string[], what: string, key = false) => {
    if (known.includes(given)) return;
    const allowed = known.join(', ') || 'none';
    faults.add(path, `tocsin.yaml has no ${what} "${given}"`, { given, allowed, nearest: nearest(given, known), key });
  };
  if (named.includes(changesSource))
    faults.add(
      [],
      `"${changesSource}" names the alerts of unpermitted changes, and tocsin.yaml has a source of that name`,
      {
        given: changesSource,
        allowed: 'another name for that source, with type:',
      },
    );
  const [services, persons] = [callers(config, 'service'), callers(config, 'person')];
  importers.forEach(({ service, person, source }, index) => {
    if (service !== undefined) check(['importers', index, 'service'], service, services, 'token of a service');
    if (person !== undefined) check(['importers', index, 'person'], person, persons, 'token of a person');
    if (source !== undefined) check(['importers', index, 'source'], source, named, 'source');
  });
  for (const source of Object.keys(sources)) check(['sources', source], source, named, 'source', true);
  for (const [list, entries] of Object.entries({ watch, known }))
    entries.forEach((entry, index) => {
      entry.sources.forEach((one, at) => {
        if (!one.includes('*')) check([list, index, 'sources', at], one, named, 'source');
      });
    });
}

/** The people or the services that have a token. */
function callers({ tokens }: Config, kind: 'service' | 'person'): string[] {
  return tokens.flatMap(token => {
    if ('person' in token) return kind === 'person' ? [token.person] : [];
    return kind === 'service' ? [token.service] : [];
  });
}
