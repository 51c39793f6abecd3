import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { summaryOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { expectationsOf } from '../../model/config.ts';
import { type NodeFacts, nodeFacts, takesOn } from '../../model/node.ts';
import type { CatalogueSet } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';

/** The nodes of the fleet, by their heartbeats. A heartbeat is a lease on a numbered slot; its holder is the node's facts as JSON. */
export interface Nodes {
  /** Those that are up, as of the last heartbeat; this one first. */
  list(): readonly NodeFacts[];
  /** What is wrong in the fleet, each as a sentence. */
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
/** The slots of heartbeats. More nodes than this run all the same; they are only not seen. */
const slots = Array.from({ length: 64 }, (_, n) => `node/${n + 1}`);

export async function startNodes(parts: NodesParts): Promise<Nodes> {
  const { store, clock, log, self } = parts;
  const end = new AbortController();
  let others: NodeFacts[] = [];
  let failing = false;
  /** By the monotonic clock. */
  let lastBeat = clock.monotonic();
  let slot: { name: string; holder: string; token: number; ttl: number } | null = null;

  async function take(taken: ReadonlySet<string>): Promise<void> {
    const holder = JSON.stringify(self());
    for (const name of slots.filter(one => !taken.has(one))) {
      const token = await store.acquire({ name, holder, ttl });
      if (token === null) continue;
      slot = { name, holder, token, ttl };
      return;
    }
  }

  async function beat(): Promise<void> {
    const before = slot?.holder;
    if (slot !== null && before !== JSON.stringify(self())) {
      await store.release(slot);
      slot = null;
    }
    if (slot !== null && !(await store.renew(slot))) slot = null;
    const seen = await store.holders(slots);
    if (slot === null) await take(new Set(seen.map(one => one.name)));
    const own = self().id;
    others = seen.map(({ holder }) => parse(holder)).filter(one => one !== null && one.id !== own) as NodeFacts[];
  }

  function logRecovery(): void {
    const now = clock.monotonic();
    if (failing)
      log.info({ seconds: Math.round((now - lastBeat) / 1000) }, 'the database takes heartbeats of this node again');
    failing = false;
    lastBeat = now;
  }

  /** Logged once for all that fails with it. */
  function logFailure(error: unknown): void {
    if (failing) return;
    failing = true;
    const remedy = error instanceof TocsinError ? { remedy: error.remedy } : {};
    log.warn(
      { because: summaryOf(error), ...remedy },
      'the database takes no heartbeat of this node; it is tried again',
    );
  }

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      await clock.sleep(every, end.signal).catch(() => {});
      if (!end.signal.aborted) await beat().then(logRecovery, logFailure);
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
      if (slot !== null) await store.release(slot).catch(() => {});
    },
  };
}

/** Null for facts that this version does not understand: a node of another version is then not seen. */
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
  const behind = all
    .filter(node => node.entries < newest(all))
    .map(
      node =>
        `Node ${node.id}${node.at === '' ? '' : ` on ${node.at}`} (${node.version}) reads journal entries up to version ${node.entries}, ` +
        `and others write version ${newest(all)}. Give it the newer release.`,
    );
  return [...behind, ...differing, ...missing];
}

const newest = (nodes: readonly NodeFacts[]) => Math.max(...nodes.map(node => node.entries));

const short = (digest: string) => digest.slice(0, 12);

/** A digest of what must be the same on all nodes: runbooks, rules, people, groups, expectations. Paths, secrets and options of a machine may differ. */
export function digestOfSet({ runbooks, policy, config }: CatalogueSet): string {
  const { people, groups, operators } = config;
  const expected = expectationsOf(config);
  const rules = policy.rules.map(({ name, text, decide, ask, limit }) => ({ name, text, decide, ask, limit }));
  const files = [...runbooks.values()].map(({ id, files: own }) => [
    id,
    [...own].map(([path, bytes]) => [path, sha256(bytes)]).sort(),
  ]);
  return sha256(
    canonicalJson(
      JSON.parse(
        JSON.stringify({
          files: files.sort(),
          rules,
          people,
          groups,
          operators,
          ...(expected.length > 0 && { expected }),
        }),
      ),
    ),
  );
}
