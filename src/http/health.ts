import type { FastifyInstance } from 'fastify';
import { messageOf } from '../kernel/errors.ts';
import { runState } from '../model/run.ts';
import type { HttpParts } from './parts.ts';

/** `/healthz`: the process is up. `/readyz`: its parts are well. `/metrics`: for Prometheus. None of them needs a token or shows data. */
export function addHealth(app: FastifyInstance, parts: HttpParts): void {
  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ ok: true }));

  app.get('/readyz', async (_request, reply) => {
    const health = await parts.health().catch(error => ({ health: messageOf(error) }));
    const draining = parts.draining();
    // An origin that is down is told later; events are taken all the same, and no other node could tell it either.
    const own = Object.entries(health).filter(([part]) => !part.startsWith('origin '));
    const ready = !draining && own.every(([, trouble]) => trouble === null);
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({
        ready,
        draining,
        parts: health,
        problems: parts.catalogue.problems(),
        fleet: parts.host.fleet(),
        version: parts.version,
      });
  });

  app.get('/metrics', async (_request, reply) => {
    await refreshGauges(parts);
    return reply.header('content-type', parts.registry.contentType).send(await parts.registry.metrics());
  });
}

const live = runState.extract(['waiting', 'queued', 'running', 'asking']).options;

/** The most that is counted for a gauge: a scrape must stay cheap. */
const counted = 1000;

/** What is a state rather than an event is read from the store at each scrape; what the store does not answer keeps its last value. */
async function refreshGauges(parts: HttpParts): Promise<void> {
  const { store, metrics, log } = parts;
  try {
    metrics.gauge('tocsin_journal_head', (await store.head()).seq);
    metrics.gauge('tocsin_halted', (await store.halted()) === null ? 0 : 1);
    for (const state of live) {
      const runs = await store.runs({ states: [state], limit: counted });
      metrics.gauge('tocsin_runs', runs.length, { state });
    }
    for (const platform of new Set(['console', ...Object.keys(parts.catalogue.current().config.chat)])) {
      const posts = await store.posts({ platform, undelivered: true, limit: counted });
      metrics.gauge('tocsin_posts_undelivered', posts.length, { platform });
    }
  } catch (error) {
    log.warn({ because: messageOf(error) }, 'the store did not answer for /metrics');
  }
}
