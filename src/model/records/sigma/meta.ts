import type { Severity } from '../../event.ts';
import { isMap } from '../../incoming.ts';
import { invalid, type Place, shown, unsupported } from './fault.ts';

/** What a rule says about itself. */
export interface Meta {
  /** Its `id`, or its title: part of the identity of the alerts. */
  name: string;
  /** What other rules call it. */
  known: readonly string[];
  title: string;
  level: Level;
  labels: Record<string, string>;
  links: readonly { label: string; url: string }[];
}

/** Informational rules ask for no alert: they make notices. Source: Sigma specification 2.1, "Level". */
const severities = {
  informational: 'info',
  low: 'info',
  medium: 'warning',
  high: 'error',
  critical: 'critical',
} as const satisfies Record<string, Severity>;
type Level = keyof typeof severities;

export function severityOf(level: Level): Severity {
  return severities[level];
}

const mostLinks = 10;

export function readMeta(document: Readonly<Record<string, unknown>>): Meta {
  const { title, level = 'medium' } = document;
  if (typeof title !== 'string' || title.trim() === '' || title.length > 256)
    throw invalid(['title'], 'the title is a text of 1 to 256 characters');
  if (typeof level !== 'string' || !Object.hasOwn(severities, level))
    throw invalid(['level'], 'this level is not known', {
      allowed: Object.keys(severities).join(', '),
      given: shown(level),
    });
  const id = textAt(document, 'id');
  const name = textAt(document, 'name');
  const tags = textsAt(document, 'tags');
  const attack = tags.flatMap(tag => (tag.startsWith('attack.') ? [tag.slice('attack.'.length)] : []));
  const others = tags.filter(tag => !tag.startsWith('attack.'));
  const labels = {
    sigma: title,
    ...(id === null ? {} : { sigma_id: id }),
    ...(attack.length === 0 ? {} : { attack: attack.join(', ') }),
    ...(others.length === 0 ? {} : { tags: others.join(', ') }),
  };
  return {
    name: id ?? title,
    known: [id, name].filter(one => one !== null),
    title: title.slice(0, 200).toWellFormed(),
    level: level as Level,
    labels,
    links: textsAt(document, 'references').flatMap(linkOf).slice(0, mostLinks),
  };
}

function textAt(document: Readonly<Record<string, unknown>>, key: string): string | null {
  const value = document[key];
  if (value === undefined) return null;
  if (typeof value === 'string' && value !== '' && value.length <= 256) return value;
  throw invalid([key], `\`${key}\` is a text of 1 to 256 characters`);
}

function textsAt(document: Readonly<Record<string, unknown>>, key: string): string[] {
  const value = document[key] ?? [];
  if (Array.isArray(value) && value.length <= 1000 && value.every(one => typeof one === 'string')) return value;
  throw invalid([key], `\`${key}\` is a list of texts`);
}

function linkOf(text: string): { label: string; url: string }[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || text.length > 2000) return [];
  return [{ label: url.hostname, url: url.href }];
}

/** The parts of a logsource that say which records are meant. */
const parts = ['product', 'category', 'service'] as const;
export type Logsource = Partial<Record<(typeof parts)[number], string>>;

export function readLogsource(given: unknown): Logsource {
  const at = ['logsource'];
  if (!isMap(given)) throw invalid(at, 'a rule has a logsource');
  const found: Logsource = {};
  for (const [key, value] of Object.entries(given)) {
    if (key === 'definition') continue;
    const part = parts.find(one => one === key);
    if (part === undefined)
      throw unsupported([...at, key], `\`${key}\` of a logsource is not supported`, { allowed: parts.join(', ') });
    if (typeof value !== 'string') throw invalid([...at, key], `\`${key}\` is a text`);
    found[part] = value;
  }
  if (Object.keys(found).length === 0) throw invalid(at, 'the logsource names nothing', { allowed: parts.join(', ') });
  return found;
}

/** True when all that the rule names is so in the records. */
export function fitsLogsource(rule: Logsource, records: Logsource): boolean {
  return parts.every(part => rule[part] === undefined || rule[part]?.toLowerCase() === records[part]?.toLowerCase());
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const week = 7 * 86_400_000;

/** Milliseconds of `30s`, `5m`, `1h`, `1d`. */
export function readSpan(given: unknown, at: Place): number {
  const [, number, unit = ''] = /^(\d{1,7})([smhd])$/.exec(shown(given)) ?? [];
  const ms = Number(number) * (units[unit] ?? Number.NaN);
  if (!(ms > 0)) throw invalid(at, 'this is no span of time', { allowed: '30s, 5m, 1h, 1d', given: shown(given) });
  if (ms > week)
    throw unsupported(at, 'a span longer than 7d is not supported', { allowed: '1s to 7d', given: shown(given) });
  return ms;
}
