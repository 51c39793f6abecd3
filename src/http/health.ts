import type { FastifyInstance } from 'fastify';
import { messageOf } from '../kernel/errors.ts';
import { type Run, runState } from '../model/run.ts';
import type { HttpParts } from './parts.ts';

/** The parts that must be well for an event to be accepted; `health` is the check itself. */
const doorParts = ['store', 'health'];

/** Trouble with chat, Redis or a file does not stop intake. If the node were taken out of rotation, events would be lost. */
export function isReady(health: Readonly<Record<string, string | null>>, draining: boolean): boolean {
  return !draining && doorParts.every(part => (health[part] ?? null) === null);
}

/**
 * `/healthz`: the process is up. `/readyz`: whether it accepts events, and which parts are not well. `/metrics`: for Prometheus. None needs
 * a token or shows data.
 */
export function addHealth(app: FastifyInstance, parts: HttpParts): void {
  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ ok: true }));

  app.get('/readyz', async (_request, reply) => {
    const health = await parts.health().catch(error => ({ health: messageOf(error) }));
    const draining = parts.draining();
    const ready = isReady(health, draining);
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({
        ready,
        well: Object.values(health).every(trouble => trouble === null),
        draining,
        parts: health,
        problems: parts.catalogue.problems(),
        fleet: parts.host.fleet(),
        version: parts.version,
      });
  });

  const seen = new Set<string>();
  app.get('/metrics', async (_request, reply) => {
    await refreshGauges(parts, seen);
    return reply.header('content-type', parts.registry.contentType).send(await parts.registry.metrics());
  });
}

const live = runState.extract(['waiting', 'queued', 'running', 'asking']).options;

/** The most that a gauge counts, so that a scrape stays cheap. */
const counted = 1000;

/** Reads the gauges of states at each scrape. One that cannot be read keeps its last value. */
async function refreshGauges(parts: HttpParts, seen: Set<string>): Promise<void> {
  const attempt = (refresh: () => Promise<void>) =>
    refresh().catch(error => parts.log.warn({ because: messageOf(error) }, 'something did not answer for /metrics'));
  await attempt(async () => tellParts(await parts.health(), seen, parts));
  for (const refresh of [refreshStore, refreshRuns, refreshApprovals, refreshJournal])
    await attempt(() => refresh(parts));
  await attempt(() => refreshPosts(parts, seen));
  const { nodes, problems } = parts.host.fleet();
  parts.metrics.gauge('tocsin_nodes', nodes.length);
  parts.metrics.gauge('tocsin_fleet_problems', problems.length);
  const { busy, places } = parts.work?.() ?? { busy: 0, places: 0 };
  parts.metrics.gauge('tocsin_work_busy', busy);
  parts.metrics.gauge('tocsin_work_places', places);
}

async function refreshStore({ store, metrics }: HttpParts): Promise<void> {
  metrics.gauge('tocsin_journal_head', (await store.head()).seq);
  metrics.gauge('tocsin_halted', (await store.halted()) === null ? 0 : 1);
}

async function refreshRuns({ store, metrics, clock }: HttpParts): Promise<void> {
  for (const state of live) {
    const runs = await store.runs({ states: [state], limit: counted });
    metrics.gauge('tocsin_runs', runs.length, { state });
  }
  const now = clock.now();
  const oldest = await store.runs({ states: ['queued'], due: now, limit: 20 });
  const since = await Promise.all(oldest.map(run => queuedSince(run, store)));
  metrics.gauge('tocsin_oldest_queued_run_seconds', age(since, now));
}

/** Since when a run has waited for a worker: for an approved one since the approval, not since the request. */
async function queuedSince(run: Run, store: HttpParts['store']): Promise<number> {
  const approval = run.approval === null ? null : await store.approval(run.approval);
  return approval?.closedAt ?? run.createdAt;
}

async function refreshApprovals({ store, metrics, clock }: HttpParts): Promise<void> {
  const open = await store.approvals({ state: 'open', limit: counted });
  metrics.gauge('tocsin_approvals_open', open.length);
  const since = open.map(approval => approval.createdAt);
  metrics.gauge('tocsin_oldest_approval_seconds', age(since, clock.now()));
}

function age(since: readonly number[], now: number): number {
  return Math.max(0, now - since.reduce((oldest, at) => Math.min(oldest, at), now)) / 1000;
}

/** The platforms of the files, and those that are on because their token is there. */
async function refreshPosts({ store, metrics, catalogue }: HttpParts, seen: ReadonlySet<string>): Promise<void> {
  const connected = [...seen].flatMap(part => (part.startsWith('chat ') ? [part.slice(5)] : []));
  for (const platform of new Set(['console', ...connected, ...Object.keys(catalogue.current().config.chat)])) {
    const posts = await store.posts({ platform, undelivered: true, limit: counted });
    metrics.gauge('tocsin_posts_undelivered', posts.length, { platform });
  }
}

/** Each scrape checks what was appended since the last one, a bounded part at a time. */
async function refreshJournal({ host, metrics }: HttpParts): Promise<void> {
  const { ok, checked } = await host.journalState();
  metrics.gauge('tocsin_journal_checked', checked);
  metrics.gauge('tocsin_journal_broken', ok ? 0 : 1);
}

/** Sets the gauge of each part. A part that this node no longer reports, because another node has it now, is not down here. */
function tellParts(found: Awaited<ReturnType<HttpParts['health']>>, seen: Set<string>, { metrics }: HttpParts): void {
  for (const part of Object.keys(found)) seen.add(part);
  for (const part of seen) metrics.gauge('tocsin_part_down', (found[part] ?? null) === null ? 0 : 1, { part });
}
