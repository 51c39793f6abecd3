import type { z } from 'zod';
import { sha256 } from '../kernel/canonical.ts';
import { cutText } from '../kernel/text.ts';
import type { Labels, link, Severity } from './event.ts';

/** Limits on texts of a sender, in characters; `labels` is the number of labels. A text that is cut says how much is missing. */
export const longest = { title: 500, label: 4096, labelName: 256, labels: 256, url: 2048, fingerprint: 512 } as const;

/** The text as well-formed Unicode, at most `max` characters including the note about the rest. */
export function boundText(text: string, max: number): string {
  return cutText(text.isWellFormed() ? text : text.toWellFormed(), max);
}

/** The first text that is not blank, as a title. */
export function titleOf(...candidates: (string | null | undefined)[]): string {
  const found = candidates.find(text => text != null && text.trim() !== '') ?? '(without a title)';
  // A title has its own column, and a database may refuse NUL in a column.
  return boundText(found.trim().replaceAll('\0', '\uFFFD'), longest.title);
}

/**
 * The labels, limited in number and in the length of names and values. The result has no prototype, so a label may have any name but
 * `__proto__`, which the schemas of what is stored do not carry.
 */
export function labelsOf(given: Readonly<Record<string, string>>): Labels {
  const names = Object.keys(given).filter(name => name !== '__proto__');
  const out: Labels = Object.create(null);
  for (const name of names.slice(0, longest.labels)) {
    out[boundText(name, longest.labelName)] = boundText(given[name] ?? '', longest.label);
  }
  if (names.length > longest.labels) out['tocsin_cut'] = `${names.length - longest.labels} more were left out`;
  return out;
}

/** A value of a sender as text: numbers and truth values as they are written, null for what is no text at all (null, a list, a map). */
export function plainText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A title for what has none of its own: labels as `name=value` in the order of their names. Empty without labels. */
export function titleOfLabels(labels: Labels): string {
  const names = Object.keys(labels).filter(name => name !== 'tocsin_cut');
  return names
    .sort()
    .map(name => `${name}=${labels[name]}`)
    .join(', ');
}

/** A part of an identity that is joined by slashes and commas: in it they are written so that no part can pass for two. */
export function keyPart(text: string): string {
  return text.replace(/[%/,]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A fingerprint or delivery id that fits a column: unchanged, or its SHA-256 when it is empty, too long or has control characters. */
export function keyOf(text: string): string {
  const plain = text.length <= longest.fingerprint && text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text);
  return plain && text !== '' ? text : `sha256:${sha256(text)}`;
}

/**
 * Among them the words of Nagios and Icinga for states (OK, UP, WARNING, UNKNOWN, UNREACHABLE, CRITICAL, DOWN), of Zabbix (Not classified,
 * Information, Warning, Average, High, Disaster), collectd (OKAY, WARNING, FAILURE) and syslog (emerg to debug).
 */
const words: Readonly<Record<Severity, RegExp>> = {
  critical:
    /^(critical|crit|fatal|emergency|emerg|panic|alert|page|disaster|down|failure|(p|sev|severity)[- ]?1|sev[- ]?0)$/i,
  error: /^(error|err|major|high|unreachable|(p|sev|severity)[- ]?2)$/i,
  warning: /^(warning|warn|average|medium|moderate|minor|unknown|(p|sev|severity)[- ]?3)$/i,
  info: /^(info|information|informational|notice|low|none|not classified|debug|ok|okay|up|(p|sev|severity)[- ]?[45])$/i,
};

/** The severity for a sender's word, or null when the word is not known. */
export function severityOf(word: string | null | undefined): Severity | null {
  const text = (word ?? '').trim();
  if (text === '' || text.length > 20) return null;
  const found = Object.entries(words).find(([, pattern]) => pattern.test(text));
  return found === undefined ? null : (found[0] as Severity);
}

/** A link that a page may show, or none. Only http and https are allowed, so that no URL can hold a script. */
export function linkOf(label: string, url: string | null | undefined): z.infer<typeof link>[] {
  if (url == null || url === '' || url.length > longest.url) return [];
  const parsed = URL.parse(url);
  return parsed?.protocol === 'https:' || parsed?.protocol === 'http:' ? [{ label, url: parsed.href }] : [];
}

/** A text of a sender within a path or query, whatever is in it: what is no Unicode cannot stand in an address. */
export function urlPart(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/**
 * Milliseconds since the epoch of an RFC 3339 time; null for any other text, for a day that no calendar has, and for the zero time of Go
 * (year 1).
 */
export function timeOf(text: string | null | undefined): number | null {
  if (text == null) return null;
  const found = /^(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)$/.exec(text);
  if (found === null) return null;
  // Date.parse carries over what does not exist: the 31st of February becomes the 3rd of March.
  const day = found[1] ?? '';
  if (Number(day.slice(8)) > 28 && !isDay(day)) return null;
  const at = Date.parse(text);
  return Number.isFinite(at) && at > 0 ? Math.floor(at) : null;
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/** How far a sender's clock may be ahead of ours before its times are not believed, milliseconds. */
const farthestAhead = 300_000;

/**
 * The start time as the sender gives it, or `now` when it is missing or more than five minutes in the future: such a start would make all later
 * events look old. Milliseconds since the epoch.
 */
export function startOf(claimed: number | null, now: number): number {
  return claimed === null || claimed > now + farthestAhead ? now : claimed;
}

/** A time that was told, milliseconds since the epoch; null when it is missing, unreadable or more than five minutes after `now`. */
export function toldTime(text: string | null | undefined, now: number): number | null {
  const at = timeOf(text);
  return at !== null && startOf(at, now) === at ? at : null;
}

export function toSecond(at: number): number {
  return Math.floor(at / 1000) * 1000;
}
