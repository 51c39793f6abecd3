import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { digits } from '../../kernel/number.ts';
import { statisticsCsv } from '../../model/statistics/csv.ts';
import { reportOf } from '../../model/statistics/report.ts';
import type { Parts } from './reply.ts';

const statisticsQuery = z.object({ weeks: digits(z.int().min(1).max(104)).catch(8) });

/** Figures as files, for who is signed in; programs have the same under /api/v1 with a token. */
export function registerDownloads(scope: FastifyInstance, { host, door }: Parts): void {
  for (const format of ['csv', 'json'] as const) {
    scope.get(`/console/statistics.${format}`, async (request, reply) => {
      if ((await door.viewer(request)) === null) return reply.redirect('/login?to=%2Fstatistics', 303);
      const { weeks } = statisticsQuery.parse(request.query);
      const report = reportOf(await host.store.documents('week', { limit: weeks }));
      reply.header('content-disposition', `attachment; filename="tocsin-statistics.${format}"`);
      if (format === 'json') return reply.type('application/json; charset=utf-8').send(JSON.stringify(report));
      return reply.type('text/csv; charset=utf-8').send(statisticsCsv(report));
    });
  }
}
