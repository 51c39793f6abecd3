import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the double says to a question: data of a success, or a whole answer of its own. */
export type Said = { data: unknown } | { error: string; status: number } | ((response: ServerResponse) => void);

export interface AskedOfPrometheus {
  /** `rules`, `query` or `query_range`. */
  what: string;
  form: URLSearchParams;
  headers: IncomingMessage['headers'];
}

/** The HTTP API of a Prometheus with the answers of a test. Strict: it refuses a method or a parameter that the real one has not. */
export interface PrometheusDouble {
  url: string;
  asked: AskedOfPrometheus[];
  close(): void;
}

const known: Readonly<Record<string, readonly string[]>> = {
  rules: ['type', 'rule_name[]', 'exclude_alerts'],
  query: ['query', 'time', 'timeout'],
  query_range: ['query', 'start', 'end', 'step', 'timeout'],
};
/** The real one refuses a range of more points. */
const mostPoints = 11_000;

export async function startPrometheusDouble(
  answer: (asked: AskedOfPrometheus) => Said | Promise<Said>,
): Promise<PrometheusDouble> {
  const asked: AskedOfPrometheus[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://double');
    let text = '';
    for await (const chunk of request) text += chunk;
    const what = /^\/api\/v1\/(rules|query|query_range)$/.exec(url.pathname)?.[1] ?? '';
    const form = request.method === 'POST' ? new URLSearchParams(text) : url.searchParams;
    const one = { what, form, headers: request.headers };
    asked.push(one);
    const said = fault(request, one) ?? (await answer(one));
    if (typeof said === 'function') return said(response);
    const [status, body] =
      'error' in said
        ? [said.status, { status: 'error', errorType: 'bad_data', error: said.error }]
        : [200, { status: 'success', data: said.data }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function fault({ method, headers }: IncomingMessage, { what, form }: AskedOfPrometheus): Said | null {
  const fields = known[what];
  if (fields === undefined) return { status: 404, error: 'not found' };
  const strange = [...form.keys()].find(name => !fields.includes(name));
  if (strange !== undefined) return { status: 400, error: `unknown parameter ${strange}` };
  if (what === 'rules') return method === 'GET' ? null : { status: 405, error: 'method not allowed' };
  if (headers['content-type'] !== 'application/x-www-form-urlencoded') return { status: 400, error: 'no form' };
  if (what === 'query') return null;
  const [start, end, step] = ['start', 'end', 'step'].map(name => Number(form.get(name)));
  const points = ((end ?? 0) - (start ?? 0)) / (step ?? 0);
  return points >= 0 && points <= mostPoints ? null : { status: 400, error: 'exceeded maximum resolution' };
}

/** The answer to `rules`. */
export const rulesSaid = (
  ...rules: { name?: string; query: string; labels?: Record<string, string>; alerts?: Record<string, string>[] }[]
): Said => ({
  data: {
    groups: rules.map(({ name = 'Hot', query, labels = {}, alerts = [] }, index) => ({
      name: `group ${index}`,
      file: 'rules.yaml',
      rules: [
        {
          type: 'alerting',
          name,
          query,
          duration: 0,
          labels,
          alerts: alerts.map(one => ({ labels: one, state: 'firing' })),
        },
      ],
    })),
  },
});

/** The answer to `query_range`. Values are texts as Prometheus writes them, one for each step since `start`; null is no sample. */
export function matrixSaid(
  { form }: AskedOfPrometheus,
  ...series: { labels: Record<string, string>; values: readonly (string | null)[] }[]
): Said {
  const [start, step] = [Number(form.get('start')), Number(form.get('step'))];
  const result = series.map(({ labels, values }) => ({
    metric: labels,
    values: values.flatMap((value, index) => (value === null ? [] : [[start + index * step, value]])),
  }));
  return { data: { resultType: 'matrix', result } };
}

/** The answer to `query`. */
export function vectorSaid(
  { form }: AskedOfPrometheus,
  ...series: { labels: Record<string, string>; value: string }[]
): Said {
  const result = series.map(({ labels, value }) => ({ metric: labels, value: [Number(form.get('time')), value] }));
  return { data: { resultType: 'vector', result } };
}
