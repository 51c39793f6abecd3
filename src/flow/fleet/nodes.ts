import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { summaryOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { type NodeFacts, nodeFacts, takesOn } from '../../model/node.ts';
import type { CatalogueSet } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';

/** The nodes of the fleet, as their heartbeats tell. A heartbeat is a lease on one of a few numbered places, held in the node's own words. */
export interface Nodes {
  /** Those that are up, as of the last heartbeat; this one first. */
  list(): readonly NodeFacts[];
  /** What is wrong between them, each as a sentence. */
  problems(): readonly string[];
  stop(): Promise<void>;
}

export interface NodesParts {
  store: Store;
  clock: Clock;
  log: Log;
  /** What this node says of itself now. */
  self(): NodeFacts;
  shared: boolean;
}

/** Milliseconds between heartbeats, and after how long without one a node counts as gone. */
const every = 5000;
const ttl = 15_000;
/** More nodes than this run all the same; they are only not seen. */
const places = Array.from({ length: 64 }, (_, n) => `node/${n + 1}`);

export async function startNodes(parts: NodesParts): Promise<Nodes> {
  const { store, clock, log, self } = parts;
  const end = new AbortController();
  let others: NodeFacts[] = [];
  let ill = false;
  /** By the steady clock. */
  let lastBeat = clock.monotonic();
  let place: { name: string; holder: string; token: number; ttl: number } | null = null;

  async function take(taken: ReadonlySet<string>): Promise<void> {
    const holder = JSON.stringify(self());
    for (const name of places.filter(one => !taken.has(one))) {
      const token = await store.acquire({ name, holder, ttl });
      if (token === null) continue;
      place = { name, holder, token, ttl };
      return;
    }
  }

  async function beat(): Promise<void> {
    const said = place?.holder;
    if (place !== null && said !== JSON.stringify(self())) {
      await store.release(place);
      place = null;
    }
    if (place !== null && !(await store.renew(place))) place = null;
    const seen = await store.holders(places);
    if (place === null) await take(new Set(seen.map(one => one.name)));
    const own = self().id;
    others = seen.map(({ holder }) => parse(holder)).filter(one => one !== null && one.id !== own) as NodeFacts[];
  }

  function tellWell(): void {
    const now = clock.monotonic();
    if (ill)
      log.info({ seconds: Math.round((now - lastBeat) / 1000) }, 'the database takes heartbeats of this node again');
    ill = false;
    lastBeat = now;
  }

  /** Said once for all that fails with it. */
  function tellIll(error: unknown): void {
    if (ill) return;
    ill = true;
    const remedy = error instanceof TocsinError ? { remedy: error.remedy } : {};
    log.warn(
      { because: summaryOf(error), ...remedy },
      'the database takes no heartbeat of this node; it is tried again',
    );
  }

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      await clock.sleep(every, end.signal).catch(() => {});
      if (!end.signal.aborted) await beat().then(tellWell, tellIll);
    }
  }

  if (parts.shared) {
    await beat();
    const { id, role } = self();
    log.info({ node: id, role, others: others.length }, 'this node is one of the fleet');
  }
  const ended = parts.shared ? loop() : Promise.resolve();
  return {
    list: () => [self(), ...others],
    problems: () => problemsOf(self(), others),
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
      if (place !== null) await store.release(place).catch(() => {});
    },
  };
}

/** A node of another version may say it in other words: it is not seen then. */
function parse(holder: string): NodeFacts | null {
  try {
    return nodeFacts.parse(JSON.parse(holder));
  } catch {
    return null;
  }
}

const parts = ['intake', 'worker', 'chat'] as const;
const without: Record<(typeof parts)[number], string> = {
  intake: 'No node of role intake is up: deliveries are refused.',
  worker: 'No node of role worker is up: runs wait.',
  chat: 'No node of role chat is up: threads are not written.',
};

export function problemsOf(self: NodeFacts, others: readonly NodeFacts[]): string[] {
  const all = [self, ...others];
  const missing = parts.filter(part => !all.some(node => takesOn(node.role, part))).map(part => without[part]);
  const differing = others
    .filter(node => node.set !== self.set)
    .map(
      node =>
        `Node ${node.id}${node.at === '' ? '' : ` on ${node.at}`} (${node.role}, ${node.version}) has other policy, runbooks or people in force than this node: ` +
        `${short(node.set)} there, ${short(self.set)} here. Give every node the same files.`,
    );
  return [...differing, ...missing];
}

const short = (digest: string) => digest.slice(0, 12);

/** What must be the same everywhere: runbooks, rules, people and their groups. Paths, secrets and options of one machine may differ. */
export function digestOfSet({ runbooks, policy, config }: CatalogueSet): string {
  const { people, groups, operators } = config;
  const rules = policy.rules.map(({ name, text, decide, ask, limit }) => ({ name, text, decide, ask, limit }));
  const files = [...runbooks.values()].map(({ id, files: own }) => [
    id,
    [...own].map(([path, bytes]) => [path, sha256(bytes)]).sort(),
  ]);
  return sha256(canonicalJson(JSON.parse(JSON.stringify({ files: files.sort(), rules, people, groups, operators }))));
}
