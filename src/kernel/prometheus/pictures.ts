import { type Chart, mostLines, stepOf } from '../chart/chart.ts';
import { short } from '../chart/words.ts';
import { isCode, TocsinError } from '../errors.ts';
import { type Labels, type PrometheusApi, queryInstant, queryRange, readRules, type Series } from './api.ts';
import { splitThreshold } from './expression.ts';
import { linesOf } from './lines.ts';
import { type FoundRule, findRule, type Rule } from './rules.ts';
import { plainLabels, selectSeries } from './select.ts';

/** An alert as it is drawn. Times are milliseconds since the epoch. */
export interface AlertFacts {
  labels: Labels;
  startsAt: number;
  endedAt: number | null;
  /** The expression that its proven sender named; null for none. */
  hint: string | null;
  now: number;
  /** How much is shown before it began, milliseconds. */
  before: number;
}

/** So many series are read whole; of more, only those that are drawn. */
const mostRead = 50;
/** The longest time that a picture of an alert shows, milliseconds. */
const longest = 24 * 3_600_000;
/** What is kept of a name and of a query, characters. */
const mostTitle = 200;
const mostQuery = 2000;
/** How much is shown after its end. */
const after = 5 * 60_000;

/** The series behind an alert, with the threshold of its rule. Rejects with `origin-down` or `origin-refused`. */
export async function chartOfAlert(alert: AlertFacts, api: PrometheusApi): Promise<Chart> {
  const rule = await ruleOf(alert, api);
  const { query, threshold } = splitThreshold(rule.query);
  const to = Math.min(alert.now, alert.endedAt === null ? alert.now : alert.endedAt + after);
  const before = Math.max(alert.before, 2 * rule.pending);
  const grid = gridOf(Math.max(alert.startsAt - before, to - longest), to);
  const lowest = threshold?.is === '<' || threshold?.is === '<=';
  const found = await seriesOf({ query, lowest }, rule.own, grid, api);
  const { lines, more } = linesOf(found.drawn, grid);
  const name = found.drawn[0]?.labels['__name__'] ?? alert.labels['alertname'] ?? 'the alert';
  return {
    form: 'tocsin-chart-1',
    title: short(name, mostTitle),
    query: short(query, mostQuery),
    ...grid,
    lines,
    more: more + found.more,
    threshold: threshold !== null && Number.isFinite(threshold.value) ? threshold : null,
    firedAt: alert.startsAt,
    endedAt: alert.endedAt,
  };
}

/** Any query, over a range that ends now. */
export async function chartOfQuery(
  ask: { query: string; title: string | null; range: number; now: number },
  api: PrometheusApi,
): Promise<Chart> {
  const grid = gridOf(ask.now - ask.range, ask.now);
  const { query, threshold } = splitThreshold(ask.query);
  const shown = threshold === null ? ask.query : query;
  const lowest = threshold?.is === '<' || threshold?.is === '<=';
  const found = await someOf({ query: shown, lowest }, grid, api);
  const { lines, more } = linesOf(found.drawn, grid);
  return {
    form: 'tocsin-chart-1',
    title: short(ask.title ?? found.drawn[0]?.labels['__name__'] ?? ask.query, mostTitle),
    query: short(ask.query, mostQuery),
    ...grid,
    lines,
    more: more + found.more,
    threshold: threshold !== null && Number.isFinite(threshold.value) ? threshold : null,
    firedAt: null,
    endedAt: null,
  };
}

interface Grid {
  from: number;
  to: number;
  step: number;
}

/** On whole steps. The last is not before the end, or what made the alert fire a moment ago would not be in it. */
function gridOf(from: number, to: number): Grid {
  const step = stepOf(Math.max(1000, to - from));
  const end = Math.ceil(to / step) * step;
  const begin = Math.ceil(from / step) * step;
  return { from: Math.min(begin, end - step), to: end, step };
}

async function ruleOf(alert: AlertFacts, api: PrometheusApi): Promise<Rule> {
  const name = alert.labels['alertname'] ?? '';
  const found = await foundRule(name, alert, api).catch((error: unknown): FoundRule => {
    // The rules may be on another server, or not be readable with this key.
    if (alert.hint === null || !isCode(error, 'origin-refused')) throw error;
    return { because: 'the rules cannot be read' };
  });
  if (!('because' in found)) return found;
  if (alert.hint !== null) return { query: alert.hint, pending: 0, own: withoutName(alert.labels) };
  throw new TocsinError('origin-refused', {
    message: `${found.because}.`,
    remedy: 'Name the Prometheus that has the rule.',
  });
}

/** With what fires by it, which tells the series; without, when that is too much. */
async function foundRule(name: string, alert: AlertFacts, api: PrometheusApi): Promise<FoundRule> {
  const rules = await readRules(name, true, api).catch(error => {
    if (!isCode(error, 'origin-refused')) throw error;
    return readRules(name, false, api);
  });
  return findRule(rules, alert.labels, alert.hint);
}

function withoutName({ alertname: _, ...labels }: Labels): Labels {
  return labels;
}

interface Found {
  drawn: Series[];
  /** Others that the query has. */
  more: number;
}

interface Wanted {
  query: string;
  /** Of many series, the lowest matter and not the highest. */
  lowest: boolean;
}

/** Those of the alert; where none has its labels, those that have most of them. */
async function seriesOf(wanted: Wanted, own: Labels, grid: Grid, api: PrometheusApi): Promise<Found> {
  const labels = plainLabels(own);
  const selected = selectSeries(wanted.query, [labels]);
  if (selected !== null) {
    const found = await queryRange(selected, grid, api).catch(error => {
      // A number, for example, cannot be selected from.
      if (!isCode(error, 'origin-refused')) throw error;
      return [];
    });
    if (found.length > 0) return { drawn: found, more: 0 };
  }
  const { drawn, more } = await someOf(wanted, grid, api);
  const shared = ({ labels: has }: Series) =>
    Object.entries(labels).filter(([name, value]) => has[name] === value).length;
  const most = Math.max(0, ...drawn.map(shared));
  const nearest = drawn.filter(one => shared(one) === most);
  return { drawn: nearest, more: more + drawn.length - nearest.length };
}

/** All series of a query that has few; the highest or lowest at the end of one that has many. */
async function someOf({ query, lowest }: Wanted, grid: Grid, api: PrometheusApi): Promise<Found> {
  const counted = await queryInstant(`count(${query}\n)`, grid.to, api).catch(error => {
    if (!isCode(error, 'origin-refused')) throw error;
    return [];
  });
  const count = Number(counted[0]?.points[0]?.[1] ?? 0);
  if (count <= mostRead) return { drawn: await queryRange(query, grid, api), more: 0 };
  const top = await queryInstant(`${lowest ? 'bottomk' : 'topk'}(${mostLines}, ${query}\n)`, grid.to, api);
  const labels = top.map(one => one.labels);
  const selected = selectSeries(query, labels);
  if (selected === null) throw tooMany(count);
  return { drawn: await queryRange(selected, grid, api), more: Math.max(0, count - top.length) };
}

function tooMany(count: number): TocsinError {
  return new TocsinError('origin-refused', {
    message: `The query has ${count} series that no label tells apart.`,
    remedy: 'Ask for fewer series: with sum, topk or labels.',
  });
}
