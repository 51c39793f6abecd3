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

function checkFile({ runPrincipal, known, labels }: LedgerFile, faults: Faults): void {
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
  if (Object.hasOwn(labels, 'unpermitted'))
    faults.add(['labels', 'unpermitted'], 'the label "unpermitted" is set by Tocsin', { key: true });
}

function checkNames({ watch, known, sources }: LedgerFile, config: Config, faults: Faults): void {
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
  for (const source of Object.keys(sources)) check(['sources', source], source, named, 'source', true);
  for (const [list, entries] of Object.entries({ watch, known }))
    entries.forEach((entry, index) => {
      entry.sources.forEach((one, at) => {
        if (!one.includes('*')) check([list, index, 'sources', at], one, named, 'source');
      });
    });
}
