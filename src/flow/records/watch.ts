import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { absenceKept, type DetectRule, fingerprintOf, keyText, type Sighting } from '../../model/records/records.ts';
import type { Catalogue, ConfiguredSource } from '../../ports/catalogue.ts';
import type { Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import type { Intake } from '../pipeline/intake.ts';
import { absentAlert, endedAlert, sinceOf } from './alerts.ts';
import { fireFull, mostFirings, touchedBy, unseenKeys, type Watched } from './detect.ts';
import { heardOf, isTrusted } from './records.ts';
import { rulesOf } from './rules.ts';

export interface WatchParts {
  store: Store;
  feed: Pick<Feed, 'commit'>;
  intake: Pick<Intake, 'emit'>;
  catalogue: Catalogue;
  clock: Clock;
  log: Log;
}

/** The time between two looks, and between two at all that is full, milliseconds. */
const pause = 2000;
const catchUpEvery = 60_000;

/** When nobody looked for so long, nobody may have taken records either: what is absent is waited for anew. Milliseconds. */
const gap = 30_000;

/** Sightings and absent keys that are looked after. */
const most = 10_000;

const beatName = 'records-watch';
const sinceName = 'records-watch-since';

export interface RecordsWatch {
  /** Looks once. Rejects when the store fails; the next look makes up for it. */
  look(): Promise<void>;
}

/**
 * Ends the alerts whose window is empty, makes those fire of which nothing comes, and those that a node could not bring to fire before it
 * died. All that it knows is in the store.
 */
export async function createRecordsWatch(parts: WatchParts): Promise<RecordsWatch> {
  const { clock, store } = parts;
  const [beat, since] = await Promise.all([store.cursor(beatName), store.cursor(sinceName)]);
  const now = clock.now();
  const world: World = {
    parts,
    since: now - beat > gap ? now : Math.min(since, now),
    wellAt: now,
    failed: false,
    caughtUp: Number.NEGATIVE_INFINITY,
  };
  return { look: () => look(world) };
}

/** Looks again and again. One node of the fleet does it. */
export async function startRecordsWatch(parts: WatchParts): Promise<{ stop(): Promise<void> }> {
  const { clock, log } = parts;
  const end = new AbortController();
  const logger = createOnceLogger(log, {}, 'the windows of records could not be looked at, and will be again');
  const watch = await createRecordsWatch(parts);

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      await watch.look().then(logger.well, logger.failed);
      await clock.sleep(pause, end.signal).catch(() => {});
    }
  }

  const ended = loop();
  return {
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}

interface World {
  parts: WatchParts;
  /** Since when somebody listens without a gap, milliseconds since the epoch. */
  since: number;
  /** When a look last ended well, milliseconds since the epoch, and whether one failed since. */
  wellAt: number;
  failed: boolean;
  /** When all that is full was looked at, by the monotonic clock. */
  caughtUp: number;
}

interface Ruled {
  rule: DetectRule;
  source: Watched;
}

async function look(world: World): Promise<void> {
  try {
    await lookOnce(world);
    world.failed = false;
    world.wellAt = world.parts.clock.now();
  } catch (error) {
    world.failed = true;
    throw error;
  }
}

async function lookOnce(world: World): Promise<void> {
  const { parts } = world;
  const { clock, feed } = parts;
  const rules = ruledBy(parts.catalogue);
  const sightings = await parts.store.sightings(most);
  if (rules.size === 0 && sightings.length === 0) return;
  const now = clock.now();
  // While the store fails, no node can take records.
  if (world.failed && now - world.wellAt > gap) world.since = now;
  await feed.commit({
    rows: [
      { table: 'cursor', name: beatName, value: now },
      { table: 'cursor', name: sinceName, value: world.since },
      { table: 'tally', expired: now },
    ],
  });
  for (const sighting of sightings) await endIfQuiet(sighting, rules, parts);
  for (const one of rules.values()) if (one.rule.window.kind === 'absent') await fireAbsent(one, world);
  if (clock.monotonic() - world.caughtUp < catchUpEvery) return;
  for (const { rule, source } of rules.values()) await fireFull(rule, source, parts);
  world.caughtUp = clock.monotonic();
}

function nameOf(source: string, rule: string): string {
  return `${source}\n${rule}`;
}

function ruledBy(catalogue: Catalogue): Map<string, Ruled> {
  const found = new Map<string, Ruled>();
  for (const configured of catalogue.current().sources.values()) {
    const source = watchedOf(configured);
    for (const rule of rulesOf(configured)) found.set(nameOf(source.name, rule.name), { rule, source });
  }
  return found;
}

function watchedOf(configured: ConfiguredSource): Watched {
  const { driver, name } = configured;
  return { name, trusted: driver.records === undefined || isTrusted(configured) };
}

/** Ends the alert of a key of which nothing came for long, and forgets its counts, so that it begins anew. */
async function endIfQuiet(
  { arrived, at: _, ...id }: Sighting & { arrived: number },
  rules: ReadonlyMap<string, Ruled>,
  parts: WatchParts,
): Promise<void> {
  const { store, intake, clock } = parts;
  const known = rules.get(nameOf(id.source, id.rule));
  const now = clock.now();
  const alert = await store.alertOf(id.source, fingerprintOf(id.rule, id.key));
  const over: Row[] = [{ table: 'sighting', over: id }];
  if (alert === null || alert.state === 'resolved') return await endSighting({ at: now, ...id }, over, parts);
  const { rule, source } = known ?? { rule: goneRule(id.rule), source: { name: id.source, trusted: true } };
  const heard = await store.cursor(heardOf(id.source));
  const end = known === undefined ? 'tocsin.yaml has no such rule any more' : endOf(rule, { arrived, heard, now });
  if (end === false) return;
  const forget: Row = { table: 'tally', forget: { ...id, upTo: arrived } };
  const body = endedAlert({ rule, key: id.key, now, since: alert.startsAt }, end);
  const once = `${alert.fingerprint}/${alert.version}/resolved`;
  const rows = rule.window.kind === 'absent' ? over : [...over, forget];
  await intake.emit(id.source, [body], once, undefined, rows, { trusted: source.trusted });
  // What was counted in the same moment found an alert that fires, so nobody looked at it.
  const left = touchedBy(await store.tally(id)).get(id.rule);
  if (left !== undefined && known !== undefined) await fireFull(rule, source, parts, left);
}

/** An alert that begins anew in the same moment is still looked after. */
async function endSighting(sighting: Sighting, over: readonly Row[], { store, feed }: WatchParts): Promise<void> {
  await feed.commit({ rows: over });
  const alert = await store.alertOf(sighting.source, fingerprintOf(sighting.rule, sighting.key));
  if (alert !== null && alert.state !== 'resolved') await feed.commit({ rows: [{ table: 'sighting', doc: sighting }] });
}

/** False while it fires; null when it is over; else why its end is no cure. */
function endOf(
  rule: DetectRule,
  { arrived, heard, now }: { arrived: number; heard: number; now: number },
): string | null | false {
  if (rule.window.kind === 'absent') {
    if (now - arrived >= absenceKept) return 'it was not heard of for 30 days';
    return now - arrived < rule.window.within ? null : false;
  }
  if (now - arrived < rule.quiet) return false;
  if (heard > arrived) return null;
  // Whether nothing matches any more can be told only by records that come and do not match.
  return now - arrived >= 3 * rule.quiet ? 'no records came at all' : false;
}

/** For the end of an alert whose rule is no longer in the files. */
function goneRule(name: string): DetectRule {
  return {
    name,
    severity: 'info',
    title: name,
    labels: {},
    quiet: 0,
    window: { kind: 'each', as: 'alert' },
    matches: () => false,
    keys: [],
    keyOf: () => [],
  };
}

async function fireAbsent({ rule, source }: Ruled, { parts, since }: World): Promise<void> {
  const { store, feed, intake, clock } = parts;
  if (rule.window.kind !== 'absent') return;
  const now = clock.now();
  const { within } = rule.window;
  const of = { source: source.name, rule: rule.name };
  if (rule.keys.length === 0 && (await store.tallyKeys({ ...of, most: 1 })) === 0) {
    const tally = {
      ...of,
      key: keyText([]),
      bucket: 0,
      value: '',
      n: 0,
      arrived: now,
      until: now + absenceKept,
      sample: '',
    };
    await feed.commit({ rows: [{ table: 'tally', doc: tally }] });
    return;
  }
  let fired = 0;
  for await (const { key, arrived } of unseenKeys({ ...of, quietSince: now - within }, store)) {
    if (now - Math.max(arrived, since) < within) continue;
    const alert = await store.alertOf(source.name, fingerprintOf(rule.name, key));
    const live = alert !== null && alert.state !== 'resolved';
    // One that a person closed is told again when it was heard of and is missing once more.
    if (live || (alert !== null && (alert.resolvedAt ?? 0) >= arrived)) continue;
    const body = absentAlert({ rule, key, arrived, now, since: sinceOf(alert, now) });
    const rows: Row[] = [{ table: 'sighting', doc: { ...of, key, at: now } }];
    await intake.emit(source.name, [body], `${body.fingerprint}/${alert?.version ?? 0}/firing`, undefined, rows, {
      trusted: source.trusted,
    });
    fired += 1;
    if (fired >= mostFirings) return;
  }
}
