import { Readable } from 'node:stream';
import { z } from 'zod';
import { digits } from '../../kernel/number.ts';
import { statisticsCsv } from '../../model/statistics/csv.ts';
import { reportOf, statisticsReport } from '../../model/statistics/report.ts';
import { defineRoute } from '../route.ts';
import { none, refusals } from './common.ts';

const readStatistics = defineRoute({
  method: 'GET',
  path: '/api/v1/statistics',
  about:
    'What the journal counts: times to acknowledge, to restore and to decision, what was remediated without people, ineffective runs by runbook, rule, service, week and hour, who is asked how often and when, the noisiest alerts. A few seconds behind the journal.',
  params: none,
  query: z.strictObject({
    weeks: digits(z.int().min(1).max(104).default(8)).meta({
      description: 'Of how many weeks at most, the present one included.',
    }),
    format: z
      .enum(['json', 'csv'])
      .default('json')
      .meta({ description: 'CSV has one row for each figure; its times are seconds.' }),
  }),
  body: null,
  answers: { 200: { about: 'The report.', schema: statisticsReport }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const report = reportOf(await parts.store.documents('week', { limit: query.weeks }));
    if (query.format === 'json') return { status: 200, json: report };
    return { status: 200, type: 'text/csv; charset=utf-8', stream: Readable.from([statisticsCsv(report)]) };
  },
});

export const statisticsRoutes = [readStatistics];
