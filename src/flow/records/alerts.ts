import { showDuration, showInstant } from '../../kernel/duration.ts';
import type { Alert } from '../../model/alert.ts';
import type { IncomingAlert, IncomingEvent, Labels } from '../../model/event.ts';
import { labelsOf, titleOf } from '../../model/incoming.ts';
import {
  type DetectRule,
  type Evidence,
  type Found,
  fingerprintOf,
  keyValues,
  type Match,
  stretchOf,
} from '../../model/records/records.ts';

/** Records that stand in the annotations, and characters of each: the others are in the raw bytes of the event. */
const shown = 3;
const longestShown = 300;
/** Places that are named in the annotations. */
const mostFrom = 5;

export interface Fact {
  rule: DetectRule;
  key: string;
  found: Found;
  evidence: readonly Evidence[];
  now: number;
  /** When its stretch began: see sinceOf. */
  since: number;
}

/**
 * The start of the stretch that is live, or of a new one. The clocks of nodes differ and are set back: a new one never begins before what is
 * known of the last, or it would be taken for old news of it.
 */
export function sinceOf(known: Alert | null, now: number): number {
  if (known === null) return now;
  return known.state === 'resolved' ? Math.max(now, known.startsAt + 1, known.resolvedAt ?? 0) : known.startsAt;
}

/** The alert of a key whose window is full. */
export function firingAlert({ rule, key, found, evidence, now, since }: Fact): IncomingAlert {
  const values = keyValues(key);
  return {
    kind: 'alert',
    state: 'firing',
    fingerprint: fingerprintOf(rule.name, key),
    title: titleOf(titleFor(rule, values)),
    severity: rule.severity,
    labels: labelsFor(rule, values),
    annotations: annotationsFor(summaryOf(rule, found, now), found, evidence),
    links: [...(rule.links ?? [])],
    startsAt: since,
    endsAt: null,
    occurredAt: now,
  };
}

/** The alert of a key of which nothing came for long. */
export function absentAlert({
  rule,
  key,
  arrived,
  now,
  since,
}: Omit<Fact, 'found' | 'evidence'> & { arrived: number }): IncomingAlert {
  const found = { total: 0, first: arrived, last: arrived };
  const fired = firingAlert({ rule, key, found, evidence: [], now, since });
  const summary = `no record matched for ${showDuration(now - arrived)}: the last one came at ${showInstant(arrived)}`;
  return { ...fired, annotations: labelsOf({ summary, description: summary }) };
}

/** Its end. `noCure` says why it proves nothing. */
export function endedAlert(
  { rule, key, now, since }: { rule: DetectRule; key: string; now: number; since: number },
  noCure: string | null,
): IncomingAlert {
  const found = { total: 0, first: now, last: now };
  const fired = firingAlert({ rule, key, found, evidence: [], now, since });
  const summary =
    rule.window.kind === 'absent' ? 'records match again' : `no record matched for ${showDuration(rule.quiet)}`;
  return {
    ...fired,
    state: 'resolved',
    annotations: labelsOf({ summary, description: summary }),
    endsAt: now,
    ...(noCure === null ? {} : { noCure }),
  };
}

/** A record that matched a rule without a window. */
export function matchNotice({ rule, values, evidence }: Match, now: number): IncomingEvent {
  return {
    kind: 'notice',
    type: 'record',
    title: titleOf(`${titleFor(rule, values)}: ${cut(evidence.record)} (${evidence.from})`),
    labels: labelsFor(rule, values),
    links: [],
    occurredAt: Math.min(evidence.at, now),
  };
}

/** Something that people should know about the records of a source. */
export function recordsNotice(title: string, labels: Record<string, string>, now: number): IncomingEvent {
  return {
    kind: 'notice',
    type: 'records',
    title: titleOf(title),
    labels: labelsOf(labels),
    links: [],
    occurredAt: now,
  };
}

function titleFor(rule: DetectRule, values: readonly string[]): string {
  return values.length === 0 ? rule.title : `${rule.title}: ${values.map(value => value || '(none)').join(', ')}`;
}

/** The labels of the rule win over values of records: runbooks match on them. */
function labelsFor(rule: DetectRule, values: readonly string[]): Labels {
  const own = Object.fromEntries(rule.keys.map((name, index) => [name, values[index] ?? '']));
  return labelsOf({ ...own, ...rule.labels, rule: rule.name });
}

/** From the start of the first stretch to the end of the last. */
function summaryOf({ window, quiet }: DetectRule, { total, first, last }: Found, now: number): string {
  const what = window.kind === 'distinct' ? 'different values' : total === 1 ? 'record' : 'records';
  const within = window.kind === 'each' ? quiet : window.within;
  return `${total} ${what} within ${showDuration(within)}, ${showInstant(first)} to ${showInstant(Math.max(first, Math.min(now, last + stretchOf(within))))}`;
}

/** `description` is what cards show. */
function annotationsFor(summary: string, { total }: Found, evidence: readonly Evidence[]): Labels {
  const places = [...new Set(evidence.map(one => one.from))];
  const more = places.length > mostFrom ? ` and ${places.length - mostFrom} more` : '';
  const from = `${places.slice(0, mostFrom).join(', ')}${more}`;
  const first = evidence.slice(0, shown).map(one => cut(one.record));
  if (first.length === 0) return labelsOf({ summary, description: summary, count: String(total) });
  const description = `${summary}, from ${from}:\n${first.join('\n')}`;
  return labelsOf({ summary, description, count: String(total), from, evidence: first.join('\n') });
}

function cut(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown).toWellFormed()}…` : text;
}
