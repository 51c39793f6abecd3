import { chartOfAlert, chartOfQuery } from '../../kernel/prometheus/pictures.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import type { Options } from './options.ts';

/** How long one picture may take, all of its questions together, milliseconds. */
const longest = 15_000;

/** Pictures by the Prometheus of `prometheus`; none without. */
export function picturesOf(given: Options, host: OriginHost): Pick<OriginConnection, 'picture' | 'chart'> {
  const { prometheus } = given;
  if (prometheus === undefined) return {};
  const base = prometheus.url.replace(/\/+$/, '');
  const fetch = host.reach([base]);
  const api = () => ({ base, headers: prometheus.headers, fetch, signal: AbortSignal.timeout(longest) });
  return {
    picture: (alert, at) =>
      chartOfAlert(
        {
          labels: alert.labels,
          startsAt: alert.startsAt,
          endedAt: alert.resolvedAt,
          hint: alert.trusted ? expressionOf(alert) : null,
          now: at,
          before: prometheus.before,
        },
        api(),
      ),
    chart: ({ query, title, range, at }) => chartOfQuery({ query, title, range, now: at }, api()),
  };
}

/** The expression in `generatorURL`, and nothing else of it: its host is whatever the sender wrote. */
function expressionOf({ links }: Alert): string | null {
  const url = URL.parse(links.find(({ label }) => label === 'Source')?.url ?? '');
  const expression = url?.searchParams.get('g0.expr') ?? '';
  return expression === '' ? null : expression;
}
