/** Rules in the files of Sigma, compiled to those of `detect:`. */

import { isMap } from '../../incoming.ts';
import { compileRule, type DetectRule, type RuleWindow } from '../rule.ts';
import { ruleOptions } from '../rule-options.ts';
import type { LogRecord, RecordFormat } from '../types.ts';
import { type Correlation, readCorrelation } from './correlation.ts';
import { compileDetection, type Detection } from './detection.ts';
import { invalid, SigmaError, type SigmaFault, unsupported } from './fault.ts';
import { type FieldNames, fieldReader, textOfField } from './field.ts';
import type { Predicate } from './item.ts';
import { fitsLogsource, type Logsource, type Meta, readLogsource, readMeta, severityOf } from './meta.ts';
import type { SigmaOptions } from './options.ts';

/** What is wrong, and in which document. */
export interface SigmaProblem {
  document: number;
  fault: SigmaFault;
  /** False for a rule that is left out on purpose: it is of other records. */
  isError: boolean;
}

interface CompiledSigma {
  rules: DetectRule[];
  problems: SigmaProblem[];
}

interface Base {
  document: number;
  meta: Meta;
  /** Null when the rule is of other records. */
  detection: Detection | null;
}

/** The most of what one rule can count. */
const mostRecords = 1_000_000;
const mostValues = 1000;
const standardQuiet = 15 * 60_000;

/**
 * Compiles rules and correlations, which may refer to each other over all documents. What is wrong in one document keeps no other from being
 * compiled. `taken` are the names of other rules of the source. Source: Sigma specification 2.1 (SigmaHQ/sigma-specification).
 */
export function compileSigma(
  documents: readonly unknown[],
  given: SigmaOptions,
  format: RecordFormat,
  taken: readonly string[] = [],
): CompiledSigma {
  const problems: SigmaProblem[] = [];
  const bases: Base[] = [];
  const correlations: { document: number; meta: Meta; correlation: Correlation }[] = [];
  const attempt = (document: number, work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SigmaError)) throw error;
      problems.push({ document, fault: error.fault, isError: true });
    }
  };
  const sources = sourcesOf(given, format);
  const names = { names: given.fields, known: format.fields === null ? null : Object.keys(format.fields) };
  for (const [document, data] of documents.entries())
    attempt(document, () => {
      const map = documentOf(data);
      const meta = readMeta(map);
      if (map['correlation'] !== undefined) {
        correlations.push({ document, meta, correlation: readCorrelation(map) });
        return;
      }
      const logsource = readLogsource(map['logsource']);
      const fitting = sources.filter(source => fitsLogsource(logsource, source.logsource));
      const compiled = compileDetection(map['detection'], fitting.length === 0 ? { ...names, known: null } : names);
      const detection = { ...compiled, matches: both(fitting, compiled.matches) };
      bases.push({ document, meta, detection: fitting.length === 0 ? null : detection });
      if (fitting.length === 0) problems.push({ document, isError: false, fault: otherRecords(logsource) });
    });
  const silent = new Set<Base>();
  const rules = new Map<number, DetectRule>();
  for (const { document, meta, correlation } of correlations)
    attempt(document, () => {
      const parts = correlation.rules.map((name, index) => referred(name, bases, index));
      if (!correlation.generate) for (const part of parts) silent.add(part);
      const used = parts.flatMap(({ detection }) => (detection === null ? [] : [detection.matches]));
      // All are of other records, of which the warnings are.
      if (used.length === 0) return;
      rules.set(
        document,
        ruleOf(meta, record => used.some(one => one(record)), windowOf(correlation, names), correlation.by, names),
      );
    });
  for (const base of bases)
    attempt(base.document, () => {
      if (silent.has(base) || base.detection === null) return;
      rules.set(base.document, plainRule(base.meta, base.detection, given.by, names));
    });
  const used = new Set(taken);
  for (const [document, { name }] of [...rules].sort(([one], [other]) => one - other)) {
    if (used.has(name))
      problems.push({ document, isError: true, fault: invalid(['id'], `there is a second rule "${name}"`).fault });
    used.add(name);
  }
  return { rules: [...rules].sort(([one], [other]) => one - other).map(([, rule]) => rule), problems };
}

function documentOf(data: unknown): Readonly<Record<string, unknown>> {
  if (!isMap(data)) throw invalid([], 'a rule is a map');
  if (data['action'] !== undefined)
    throw unsupported(['action'], 'collections of rules (`action`) are not supported', {
      allowed: 'one rule a document',
    });
  if (data['filter'] !== undefined)
    throw unsupported(['filter'], 'filters of Sigma are not supported', { allowed: 'rules and correlations' });
  return data;
}

interface Fitting {
  logsource: Logsource;
  where: Predicate | null;
}

/** `checkRecords` has found what is wrong with the expressions. */
function sourcesOf({ logsources }: SigmaOptions, format: RecordFormat): Fitting[] {
  return logsources.map(({ where, ...logsource }) => {
    const rule =
      where === undefined ? null : compileRule(ruleOptions.parse({ name: 'where', where }), format, () => {});
    return { logsource: logsource as Logsource, where: where === undefined ? null : (rule?.matches ?? (() => false)) };
  });
}

function both(sources: readonly Fitting[], matches: Predicate): Predicate {
  const wheres = sources.map(({ where }) => where);
  if (wheres.includes(null)) return matches;
  return record => wheres.some(where => where?.(record)) && matches(record);
}

function otherRecords(logsource: Logsource): SigmaFault {
  const given = Object.entries(logsource)
    .map(([part, value]) => `${part}: ${value}`)
    .join(', ');
  return invalid(['logsource'], 'the rule is left out: none of `logsources` of this source is so', { given }).fault;
}

function referred(name: string, bases: readonly Base[], index: number): Base {
  const found = bases.find(({ meta }) => meta.known.includes(name));
  if (found === undefined)
    throw invalid(['correlation', 'rules', index], 'there is no such rule in these files, or it has a mistake', {
      given: name,
      allowed: 'the id or the name of a rule with a detection',
    });
  if (found.detection?.aggregation != null)
    throw unsupported(['correlation', 'rules', index], 'a correlation of a rule that counts is not supported', {
      given: name,
    });
  return found;
}

function plainRule(
  meta: Meta,
  { matches, aggregation, within }: Detection,
  by: readonly string[],
  names: FieldNames,
): DetectRule {
  if (aggregation === null || within === null) {
    const as = meta.level === 'informational' ? ('notice' as const) : ('alert' as const);
    return ruleOf(meta, matches, { kind: 'each', as }, by, names);
  }
  const window = windowOf({ ...aggregation, within }, names, ['detection', 'condition']);
  return ruleOf(meta, matches, window, aggregation.by === null ? [] : aggregation.by.split(/\s*,\s*/), names);
}

function windowOf(
  { of, atLeast, within }: Pick<Correlation, 'of' | 'atLeast' | 'within'>,
  names: FieldNames,
  at = ['correlation', 'condition'],
): RuleWindow {
  const most = of === null ? mostRecords : mostValues;
  if (atLeast < 1 || atLeast > most)
    throw unsupported(at, `so many cannot be counted`, { allowed: `1 to ${most}`, given: String(atLeast) });
  if (of === null) return { kind: 'count', atLeast, within };
  return { kind: 'distinct', atLeast, within, of: textOfField(fieldReader(of, names, at)) };
}

function ruleOf(
  meta: Meta,
  matches: Predicate,
  window: RuleWindow,
  by: readonly string[],
  names: FieldNames,
): DetectRule {
  if (by.length > 4) throw unsupported([], 'more than 4 fields to group by are not supported');
  const readers = by.map(name => textOfField(fieldReader(name, names, [])));
  return {
    name: meta.name,
    severity: severityOf(meta.level),
    title: meta.title,
    labels: meta.labels,
    links: meta.links,
    quiet: window.kind === 'each' ? standardQuiet : window.within,
    window,
    matches,
    keys: by.map(name => name.replace(/[^\p{L}\p{N}_]/gu, '_')),
    keyOf: (record: LogRecord) => readers.map(read => read(record)),
  };
}
