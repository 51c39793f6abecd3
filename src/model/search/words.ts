import { approvalState } from '../approval.ts';
import { severity } from '../event.ts';
import { runState } from '../run.ts';
import { type SearchResult, type SearchTerm, type SearchWords, showSearch } from './parse.ts';

/** What alerts are searched by. */
export const alertWords: SearchWords = {
  labels: true,
  keys: {
    severity: { about: 'how bad it is', values: severity.options },
    state: { about: '`live` is firing or silenced', values: ['live', 'firing', 'silenced', 'resolved'] },
    source: { about: 'the source of tocsin.yaml that told of it' },
    runbook: { about: 'a runbook that ran for it' },
    acknowledged: { about: 'whether somebody took it on', values: ['yes', 'no'] },
  },
};

/** What runs are searched by. `open` and `trouble` are groups of states. */
export const runGroups = {
  open: ['waiting', 'queued', 'running', 'asking'],
  trouble: ['asking', 'failed', 'ineffective', 'unconfirmed'],
} as const;

export const runWords: SearchWords = {
  labels: false,
  keys: {
    state: {
      about: '`open` has no end yet, `trouble` needs a person',
      values: ['open', 'trouble', ...runState.options],
    },
    runbook: { about: 'the runbook' },
    by: { about: 'who or what asked for it' },
    kind: { about: 'what started it', values: ['event', 'person', 'schedule', 'runbook'] },
  },
};

export const approvalWords: SearchWords = {
  labels: false,
  keys: {
    state: { about: 'what became of it', values: approvalState.options },
    by: { about: 'who asked for it, or voted on it' },
    kind: { about: 'what waits for it', values: ['run', 'gate', 'change'] },
  },
};

export const journalWords: SearchWords = {
  labels: false,
  keys: {
    kind: { about: 'the kind of the entry, or the part before its dot' },
    by: { about: 'who or what did it' },
    stream: { about: 'the stream, or its beginning' },
  },
};

/** The search with one key set to one value, or without it. */
export function withKey(terms: readonly SearchTerm[], key: string, value: string | null): string {
  const others = terms.filter(term => term.kind !== 'key' || term.key !== key);
  return showSearch(value === null ? others : [...others, { kind: 'key', not: false, key, values: [value] }]);
}

/** The search with a label pinned to a value. */
export function withLabel(terms: readonly SearchTerm[], name: string, value: string): string {
  const others = terms.filter(term => term.kind !== 'label' || term.name !== name);
  return showSearch([...others, { kind: 'label', not: false, name, value }]);
}

/** The values that a key is searched for; none when it is not, or when it is excluded. */
export function valuesOf(terms: readonly SearchTerm[], key: string): readonly string[] {
  const term = terms.find(one => one.kind === 'key' && one.key === key && !one.not);
  return term?.kind === 'key' ? term.values : [];
}

/** What is wrong with a search, in a line: `at character 5: There is no key "severty". Did you mean "severity:critical"?` */
export function explainSearch(result: SearchResult): string | null {
  if (result.ok) return null;
  const { at, message, near } = result.problem;
  return `At character ${at + 1}: ${message}${near === null ? '' : ` Did you mean "${near}"?`}`;
}
