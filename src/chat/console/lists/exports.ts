import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { csvCell } from '../../../kernel/csv.ts';
import { parseSearch, type SearchTerm, type SearchWords } from '../../../model/search/parse.ts';
import { alertWords, approvalWords, explainSearch, runWords } from '../../../model/search/words.ts';
import type { Store } from '../../../ports/store.ts';
import type { Parts } from '../reply.ts';
import { exportEntries, journalQuery } from './journal.ts';
import { searchText } from './listing.ts';

type Cell = string | number | null;
type Row = Readonly<Record<string, Cell>>;

/** How a list becomes a file: in its order, read as the client takes it, so that a long one costs no memory. */
interface Export {
  words: SearchWords;
  rows(
    store: Store,
    terms: readonly SearchTerm[],
    now: number,
    after: string | undefined,
  ): Promise<readonly (Row & { id: string })[]>;
}

const limit = 500;
const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
const place = (after: string | undefined) => (after === undefined ? { limit } : { limit, after });

const lists: Readonly<Record<string, Export>> = {
  alerts: {
    words: alertWords,
    rows: async (store, terms, now, after) =>
      (await store.findAlerts({ terms, now, ...place(after) })).map(alert => ({
        id: alert.id,
        title: alert.title,
        severity: alert.severity,
        state: alert.state,
        source: alert.source,
        startsAt: time(alert.startsAt),
        resolvedAt: time(alert.resolvedAt),
        count: alert.count,
        acknowledgedBy: alert.acknowledgedBy,
        labels: JSON.stringify(alert.labels),
      })),
  },
  runs: {
    words: runWords,
    rows: async (store, terms, now, after) =>
      (await store.findRuns({ terms, now, ...place(after) })).map(run => ({
        id: run.id,
        runbook: run.runbook,
        title: run.title,
        state: run.state,
        requestedBy: run.requestedBy,
        trigger: run.trigger,
        targets: run.targets.join(' '),
        alert: run.alert,
        createdAt: time(run.createdAt),
        startedAt: time(run.startedAt),
        finishedAt: time(run.finishedAt),
        because: run.because,
      })),
  },
  approvals: {
    words: approvalWords,
    rows: async (store, terms, now, after) =>
      (await store.findApprovals({ terms, now, ...place(after) })).map(approval => ({
        id: approval.id,
        title: approval.title,
        state: approval.state,
        run: approval.run,
        gate: approval.gate,
        votes: approval.votes.map(({ person, vote }) => `${person} ${vote}`).join(' '),
        createdAt: time(approval.createdAt),
        closedAt: time(approval.closedAt),
        because: approval.because,
      })),
  },
};

const exportQuery = z.object({ q: searchText.catch('') });

/** What lists find, as files, for who is signed in; programs have the same under /api/v1 with a token. */
export function registerExports(scope: FastifyInstance, { host, door }: Parts): void {
  for (const [name, list] of Object.entries(lists)) {
    for (const format of ['csv', 'json'] as const) {
      scope.get(`/console/export/${name}.${format}`, async (request, reply) => {
        if ((await door.viewer(request)) === null) return reply.redirect(`/login?to=%2F${name}`, 303);
        const result = parseSearch(exportQuery.parse(request.query).q, list.words);
        if (!result.ok) return refuse(reply, explainSearch(result) ?? '');
        const rows = everyRow(list, result.terms, host.store, host.clock.now());
        return send(
          reply,
          `tocsin-${name}.${format}`,
          types[format],
          format === 'csv' ? csvLines(rows) : jsonLines(rows),
        );
      });
    }
  }
  scope.get('/console/export/journal.ndjson', async (request, reply) => {
    if ((await door.viewer(request)) === null) return reply.redirect('/login?to=%2Fjournal', 303);
    const entries = exportEntries(host.store, journalQuery.parse(request.query), host.clock.now());
    if (typeof entries === 'string') return refuse(reply, entries);
    return send(reply, 'tocsin-journal.ndjson', 'application/x-ndjson', entries);
  });
}

const types = { csv: 'text/csv; charset=utf-8', json: 'application/json; charset=utf-8' } as const;

function refuse(reply: FastifyReply, text: string): FastifyReply {
  return reply.code(422).type('text/plain; charset=utf-8').send(`${text}\n`);
}

function send(reply: FastifyReply, name: string, type: string, text: AsyncIterable<string>): FastifyReply {
  return reply.header('content-disposition', `attachment; filename="${name}"`).type(type).send(Readable.from(text));
}

async function* everyRow(list: Export, terms: readonly SearchTerm[], store: Store, now: number): AsyncGenerator<Row> {
  for (let after: string | undefined; ; ) {
    const rows = await list.rows(store, terms, now, after);
    yield* rows;
    after = rows.at(-1)?.id;
    if (rows.length < limit || after === undefined) return;
  }
}

async function* jsonLines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  let before = '[\n';
  for await (const row of rows) {
    yield before + JSON.stringify(row);
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

async function* csvLines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const row of rows) {
    if (isFirst) yield `${Object.keys(row).join(',')}\r\n`;
    isFirst = false;
    yield `${Object.values(row)
      .map(value => csvCell(value, 'always'))
      .join(',')}\r\n`;
  }
}
