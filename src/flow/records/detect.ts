import type { Alert } from '../../model/alert.ts';
import {
  type DetectRule,
  fingerprintOf,
  fullest,
  readEvidence,
  type Tally,
  type TallyKey,
  type TallySum,
} from '../../model/records/records.ts';
import type { Row, Store } from '../../ports/store.ts';
import type { Intake } from '../pipeline/intake.ts';
import { firingAlert, sinceOf } from './alerts.ts';

export interface DetectParts {
  store: Store;
  intake: Pick<Intake, 'emit'>;
  clock: { now(): number };
}

/** The source whose counts are looked at. */
export interface Watched {
  name: string;
  /** False for a source without a secret. */
  trusted: boolean;
}

/** How many keys are asked for together, and how many of one rule are made to fire at one look. The others have their turn at the next. */
const chunk = 500;
export const mostFirings = 100;

/** A live alert is told again after its window, and not more often than this, milliseconds. */
const leastRepeat = 5 * 60_000;

/**
 * Makes the keys of a rule fire that are full. `touched` are the stretches that were added to, by key: only windows with one of these are
 * news. Without it all keys of the rule are looked at, and those that fire already are left alone. Resolves to how many fire anew.
 */
export async function fireFull(
  rule: DetectRule,
  source: Watched,
  parts: DetectParts,
  touched?: ReadonlyMap<string, ReadonlySet<number>>,
): Promise<number> {
  const { window } = rule;
  if (window.kind === 'absent' || (window.kind === 'each' && window.as === 'notice')) return 0;
  const atLeast = window.kind === 'each' ? 1 : window.atLeast;
  const of = window.kind === 'distinct' ? ('values' as const) : ('records' as const);
  const query = { source: source.name, rule: rule.name, atLeast, of };
  const full =
    touched === undefined ? unseenKeys(query, parts.store) : someKeys(query, [...touched.keys()], parts.store);
  let fired = 0;
  for await (const { key, arrived } of full) {
    const id = { source: source.name, rule: rule.name, key };
    if (await fireKey(id, { rule, source, parts, arrived, touched: touched?.get(key) })) fired += 1;
    if (fired >= mostFirings) break;
  }
  return fired;
}

type Query = Omit<Parameters<Store['tallySums']>[0], 'keys' | 'unseen' | 'after' | 'limit'>;

async function* someKeys(query: Query, keys: readonly string[], store: Store): AsyncGenerator<TallySum> {
  for (let at = 0; at < keys.length; at += chunk)
    yield* await store.tallySums({ ...query, keys: keys.slice(at, at + chunk), limit: chunk });
}

/** All keys that are not noted as firing, page by page: any number of those before a key may never be full. */
export async function* unseenKeys(query: Query, store: Store): AsyncGenerator<TallySum> {
  for (let page = await store.tallySums({ ...query, unseen: true, limit: 1000 }); ; ) {
    yield* page;
    const after = page.length < 1000 ? undefined : page.at(-1)?.key;
    if (after === undefined) return;
    page = await store.tallySums({ ...query, unseen: true, limit: 1000, after });
  }
}

interface Look {
  rule: DetectRule;
  source: Watched;
  parts: DetectParts;
  /** When its last record arrived. */
  arrived: number;
  touched: ReadonlySet<number> | undefined;
}

/** True when it fires anew. */
async function fireKey(id: TallyKey, { rule, source, parts, arrived, touched }: Look): Promise<boolean> {
  const known = await parts.store.alertOf(source.name, fingerprintOf(rule.name, id.key));
  const live = known !== null && known.state !== 'resolved';
  const now = parts.clock.now();
  if (live && (touched === undefined || !isDue(known, rule, now))) return false;
  // What was there when the alert was resolved is no news.
  if (touched === undefined && known !== null && (known.resolvedAt ?? 0) >= arrived) return false;
  const cells = await parts.store.tally(id);
  const window = windowOf(rule);
  const found = fullest(cells, window, touched);
  if (found === null || found.total < window.atLeast) return false;
  const lines = cells.filter(cell => cell.bucket >= found.first && cell.bucket <= found.last).map(cell => cell.sample);
  const evidence = readEvidence(lines.join(''));
  const alert = firingAlert({ rule, key: id.key, found, evidence, now, since: sinceOf(known, now) });
  const raw = Buffer.from(evidence.map(one => `${JSON.stringify(one)}\n`).join(''));
  const once = `${alert.fingerprint}/${known?.version ?? 0}/firing`;
  const rows: Row[] = [{ table: 'sighting', doc: { ...id, at: now } }];
  const more = { trusted: source.trusted, ...(raw.length === 0 ? {} : { raw }) };
  return (await parts.intake.emit(source.name, [alert], once, undefined, rows, more)) && !live;
}

function isDue(known: Alert, rule: DetectRule, now: number): boolean {
  return now - known.lastFiring >= Math.max(rule.quiet, leastRepeat);
}

function windowOf({ window, quiet }: DetectRule): { kind: 'count' | 'distinct'; atLeast: number; within: number } {
  if (window.kind === 'count' || window.kind === 'distinct') return window;
  return { kind: 'count', atLeast: 1, within: quiet };
}

/** The stretches of each key that these counts add to, by rule. */
export function touchedBy(tallies: readonly Tally[]): Map<string, Map<string, Set<number>>> {
  const rules = new Map<string, Map<string, Set<number>>>();
  for (const { rule, key, bucket } of tallies) {
    const keys = rules.get(rule) ?? new Map<string, Set<number>>();
    rules.set(rule, keys);
    const buckets = keys.get(key) ?? new Set<number>();
    keys.set(key, buckets);
    buckets.add(bucket);
  }
  return rules;
}
