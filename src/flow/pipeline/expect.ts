import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { createKeyedMutex, type KeyedMutex } from '../../kernel/mutex.ts';
import type { Alert } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { beginListening, isMissing, paceOf } from '../../model/expectation.ts';
import type { Entry } from '../../model/journal.ts';
import { type Catalogue, type Expectation, expectSource } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import { everyOf } from '../journal/pages.ts';
import { endedAlert, missingAlert } from './expect-alert.ts';
import { creditOf, forgetRows, hear, isClosed, resumeWatch, rowsOf, type Watch, wantsTelling } from './expect-watch.ts';
import type { Intake } from './intake.ts';

export interface ExpectParts {
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  intake: Pick<Intake, 'emit'>;
  clock: Clock;
  log: Log;
  /** True while some node accepts deliveries. */
  listening(): boolean;
}

export interface Expecting {
  stop(): Promise<void>;
}

const cursorName = 'expect';
const kinds = ['event.accepted'] as const;

/** When more entries than this were not read, they are left unread, and everything is expected from now on. */
const farBehind = 50_000;

/** The least time between two repeats of an alert that something is missing, milliseconds. */
const leastRepeat = 60_000;

/**
 * A dead man's switch: follows what is accepted, and when an alert that must keep coming stays away, emits an alert of the source
 * `expect`; when it comes again, its end. How long was listened is noted in the store at a pace of a tenth of the shortest `every`; the
 * note itself shows that our store takes deliveries, so time in which it does not is never counted against a sender.
 */
export async function startExpectations(parts: ExpectParts): Promise<Expecting> {
  const { clock, feed, catalogue, log } = parts;
  const end = new AbortController();
  let nap = new AbortController();
  const world = createWorld(parts);
  const from = await begin(world);
  const following = feed.follow({
    name: cursorName,
    after: from,
    batch: 256,
    kinds,
    handle: (entries, upTo) => handle(world, entries, upTo),
  });
  const off = catalogue.onChange(() => {
    world.changed = true;
    nap.abort();
  });
  const onceLogger = createOnceLogger(log, {}, 'what is expected could not be looked after, and will be again');

  async function loop(): Promise<void> {
    // After a restart the first looks are closer together: what a process that soon crashes again has listened counts too.
    let longest = paceNow(world) / ([...world.watches.values()].some(watch => watch.resumed) ? 8 : 1);
    while (!end.signal.aborted) {
      await look(world).then(onceLogger.well, onceLogger.failed);
      nap = new AbortController();
      const wake = AbortSignal.any([end.signal, nap.signal]);
      if (!world.changed) await clock.sleep(Math.min(paceNow(world), longest), wake).catch(() => {});
      longest *= 2;
    }
  }

  const ended = loop();
  return {
    async stop() {
      off();
      end.abort(new Error('stopped'));
      await ended;
      await following.stop();
    },
  };
}

/** All watches of this node, and how far the journal was read for them. */
interface World {
  parts: ExpectParts;
  teller: Teller;
  watches: Map<string, Watch>;
  upTo: number;
  /** When the last note was stored, by the monotonic clock, and whether one failed since. */
  noted: number;
  failed: boolean;
  /** True when the files may expect something else now. */
  changed: boolean;
  /** True until the alerts of expectations that went while nobody watched were looked for. */
  orphans: boolean;
}

function createWorld(parts: ExpectParts): World {
  return {
    parts,
    teller: createTeller(parts),
    watches: new Map(),
    upTo: 0,
    noted: parts.clock.monotonic(),
    failed: false,
    changed: false,
    orphans: false,
  };
}

function paceFor(expected: Iterable<Expectation>): number {
  return paceOf(Math.min(...[...expected].map(one => one.every)));
}

const paceNow = (world: World) => paceFor([...world.watches.values()].map(watch => watch.expectation));

/** Resumes what was left. Resolves to where the journal is followed from. */
async function begin(world: World): Promise<number> {
  const { store } = world.parts;
  const [saved, head] = await Promise.all([store.cursor(cursorName), store.head()]);
  const isFar = head.seq - saved > farBehind;
  world.orphans = head.seq > 0;
  await takeOver(world, isFar);
  // Of a young journal in which nothing was accepted yet, 0 was saved: what was listened still counts.
  const isFirst = saved === 0 && ![...world.watches.values()].some(watch => watch.resumed);
  world.upTo = isFar || isFirst ? head.seq : saved;
  return world.upTo;
}

/** Takes over what the files expect now. */
async function takeOver(world: World, fresh: boolean): Promise<void> {
  const { watches, teller } = world;
  const { store, feed, clock, catalogue } = world.parts;
  const wanted = new Map(catalogue.current().expectations.map(one => [one.key, one]));
  for (const [key, watch] of watches) {
    if (wanted.has(key)) continue;
    await teller.endRemoved(key);
    await feed.commit({ rows: forgetRows(watch) });
    watches.delete(key);
  }
  const pace = paceFor(wanted.values());
  for (const [key, expectation] of wanted) {
    const known = watches.get(key);
    if (known !== undefined) renew(known, expectation);
    else {
      const now = { now: clock.now(), steady: clock.monotonic(), pace };
      watches.set(key, await resumeWatch(expectation, { store, fresh, ...now }));
    }
  }
}

async function look(world: World): Promise<void> {
  const { watches, teller, parts } = world;
  if (world.changed) {
    world.changed = false;
    await takeOver(world, false).catch(error => {
      world.changed = true;
      throw error;
    });
  }
  if (world.orphans) await teller.endOrphans(watches);
  world.orphans = false;
  if (!parts.listening()) world.failed = true;
  else if (watches.size > 0) await note(world);
  else world.noted = parts.clock.monotonic();
  if ([...watches.values()].some(watch => !watch.told && isMissing(watch.listening))) await catchUp(world);
  for (const watch of watches.values()) if (wantsTelling(watch)) await teller.tell(watch);
}

/** Stores how long was listened. While that fails, nothing could have been accepted either. */
async function note(world: World): Promise<void> {
  const { feed, clock } = world.parts;
  const steady = clock.monotonic();
  const ms = steady - world.noted;
  const pace = paceNow(world);
  const spent = { ms, whole: !world.failed && ms <= 2 * pace, steady, pace };
  const next = [...world.watches.values()].map(watch => ({
    watch,
    heard: watch.heard,
    listening: creditOf(watch, spent),
  }));
  world.failed = true;
  const rows = next.flatMap(({ watch, listening }) => rowsOf(watch, listening, clock.now()));
  await feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: world.upTo }, ...rows] });
  world.failed = false;
  world.noted = steady;
  for (const { watch, heard, listening } of next) if (watch.heard === heard) watch.listening = listening;
}

/** Reads what the follower has not brought yet, so that nothing is called missing that was accepted. */
async function catchUp(world: World): Promise<void> {
  for (;;) {
    const entries = await world.parts.store.journal({ after: world.upTo, limit: 1000, kinds });
    const last = entries.at(-1);
    if (last === undefined) return;
    await handle(world, entries, last.seq);
  }
}

async function handle(world: World, entries: readonly Entry[], to: number): Promise<void> {
  const { watches, teller, parts } = world;
  const heard = new Set<Watch>();
  for (const { seq, fact } of entries) {
    if (seq <= world.upTo || fact.kind !== 'event.accepted') continue;
    for (const watch of watches.values()) if (hear(watch, fact, parts.clock.monotonic())) heard.add(watch);
  }
  world.upTo = Math.max(world.upTo, to);
  // A failure here is mended at the next look; the journal must not wait for it.
  for (const watch of heard) if (watch.told) await teller.tell(watch).catch(() => {});
}

/** The same expectation with other options. With another `every` it is expected from now on, unless it is missing already. */
function renew(watch: Watch, expectation: Expectation): void {
  if (watch.expectation.every !== expectation.every && !watch.told) watch.listening = beginListening(expectation.every);
  watch.expectation = expectation;
}

type Teller = ReturnType<typeof createTeller>;

/** Emits the alerts and their ends. Each is emitted once for a state of the alert, whichever node does it. */
function createTeller({ store, intake, clock }: ExpectParts) {
  const mutex: KeyedMutex = createKeyedMutex();
  const read = (key: string) => store.alertOf(expectSource, key);
  const emit = (body: IncomingAlert, known: Alert | null) =>
    intake.emit(expectSource, [body], `${body.fingerprint}/${known?.version ?? 0}/${body.state}`);

  async function tellNow(watch: Watch): Promise<void> {
    const { key, every, name } = watch.expectation;
    const known = await read(key);
    const now = clock.now();
    if (!isMissing(watch.listening)) {
      if (known !== null && isLive(known))
        await emit(endedAlert(known, watch.heardAt ?? now, `${name} was heard again.`), known);
      watch.told = false;
      return;
    }
    const due = known === null || !isLive(known) || now - known.lastFiring >= Math.max(every, leastRepeat);
    if (due && !(known !== null && isClosed(watch, known))) await emit(missingAlert(watch, known, now), known);
    watch.told = true;
  }

  async function end(known: Alert): Promise<void> {
    await emit(endedAlert(known, clock.now(), 'It is no longer expected: tocsin.yaml has no such expectation.'), known);
  }

  return {
    tell: (watch: Watch) => mutex.with(watch.expectation.key, () => tellNow(watch)),
    /** Ends the alert of an expectation that is no longer in the files. */
    endRemoved: (key: string) =>
      mutex.with(key, async () => {
        const known = await read(key);
        if (known !== null && isLive(known)) await end(known);
      }),
    /** The same for those that went while nobody watched. */
    async endOrphans(watches: ReadonlyMap<string, Watch>): Promise<void> {
      for (const state of ['firing', 'silenced'] as const) {
        const found: Alert[] = [];
        for await (const one of everyOf(page => store.alerts({ ...page, state })))
          if (one.source === expectSource && !watches.has(one.fingerprint)) found.push(one);
        for (const one of found) await end(one);
      }
    },
  };
}

function isLive(alert: Alert): boolean {
  return alert.state !== 'resolved';
}
