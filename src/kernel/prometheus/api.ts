/** The HTTP API of a Prometheus: ranges of series, and the rules that fire. */

import { z } from 'zod';
import { messageOf, TocsinError } from '../errors.ts';
import { cutLine } from '../text.ts';

/** A Prometheus, or what speaks like one (Thanos, Mimir, VictoriaMetrics). */
export interface PrometheusApi {
  /** The address up to, without, `/api/v1`. */
  base: string;
  headers: Readonly<Record<string, string>>;
  fetch: typeof fetch;
  /** Ends everything that is asked for one picture. */
  signal: AbortSignal;
}

export type Labels = Readonly<Record<string, string>>;

/** One series of an answer, with points as `[seconds, text]`. */
export interface Series {
  labels: Labels;
  points: readonly (readonly [number, string])[];
}

/** The largest answer, bytes. Fifty series of three hundred points are half a megabyte. */
const largestAnswer = 8 * 1024 * 1024;
/** How long Prometheus itself may take for one query, seconds. */
const patience = 8;

const answer = z.object({
  status: z.enum(['success', 'error']),
  error: z.string().optional(),
  /** A refusal has none. */
  data: z.unknown().optional(),
});
const point = z.tuple([z.number(), z.string()]);
const metric = z.record(z.string(), z.string());
const matrix = z.object({
  resultType: z.literal('matrix'),
  result: z.array(z.object({ metric, values: z.array(point).default([]) })),
});
const vector = z.object({
  resultType: z.literal('vector'),
  result: z.array(z.object({ metric, value: point.optional() })),
});

/** Series over time. Times are milliseconds since the epoch. */
export async function queryRange(
  query: string,
  { from, to, step }: { from: number; to: number; step: number },
  api: PrometheusApi,
): Promise<Series[]> {
  const form = {
    query,
    start: String(from / 1000),
    end: String(to / 1000),
    step: String(step / 1000),
    timeout: `${patience}s`,
  };
  const { result } = parsed(matrix, await request('query_range', form, api), 'query_range');
  return result.map(({ metric: labels, values }) => ({ labels, points: values }));
}

/** Series at one moment. */
export async function queryInstant(query: string, at: number, api: PrometheusApi): Promise<Series[]> {
  const form = { query, time: String(at / 1000), timeout: `${patience}s` };
  const { result } = parsed(vector, await request('query', form, api), 'query');
  return result.map(({ metric: labels, value }) => ({ labels, points: value === undefined ? [] : [value] }));
}

const rulesAnswer = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          type: z.string(),
          name: z.string(),
          query: z.string(),
          /** How long it is pending, seconds. */
          duration: z.number().default(0),
          labels: metric.nullish(),
          alerts: z.array(z.object({ labels: metric })).nullish(),
        }),
      ),
    }),
  ),
});
export type Rules = z.infer<typeof rulesAnswer>['groups'];

/** The alerting rules of this name; a release that cannot select by name gives all. With `alerts` also what fires by them. */
export async function readRules(name: string, alerts: boolean, api: PrometheusApi): Promise<Rules> {
  const query = new URLSearchParams({ type: 'alert', 'rule_name[]': name, exclude_alerts: String(!alerts) });
  return parsed(rulesAnswer, await request(`rules?${query}`, null, api), 'rules').groups;
}

/** Rejects with `origin-down` when it does not answer, and with `origin-refused` when it says no. */
async function request(path: string, form: Record<string, string> | null, api: PrometheusApi): Promise<unknown> {
  const name = path.split('?')[0] ?? path;
  try {
    const response = await api.fetch(`${api.base}/api/v1/${path}`, {
      method: form === null ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(form === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...api.headers,
      },
      ...(form === null ? {} : { body: new URLSearchParams(form).toString() }),
      // A redirect could send our headers to another host.
      redirect: 'error',
      signal: api.signal,
    });
    const text = await readText(response, name);
    const body = answer.safeParse(jsonOf(text)).data;
    if (!response.ok || body?.status !== 'success') throw refusal(name, response.status, body?.error);
    return body.data;
  } catch (error) {
    if (error instanceof TocsinError && error.code.startsWith('origin-')) throw error;
    const because = api.signal.aborted ? 'it took too long' : cutLine(messageOf(error), 200);
    throw new TocsinError('origin-down', { message: `Prometheus did not answer ${name}: ${because}.`, cause: error });
  }
}

function refusal(name: string, status: number, error: string | undefined): TocsinError {
  const said = error === undefined ? `with status ${status}` : `with ${status}: ${cutLine(error, 200)}`;
  const code = status >= 500 && status !== 501 ? 'origin-down' : 'origin-refused';
  return new TocsinError(code, {
    message: `Prometheus answered ${name} ${said}.`,
    remedy: 'See that the address leads to Prometheus, and that the headers have what it asks for.',
  });
}

function parsed<T>(schema: z.ZodType<T>, data: unknown, name: string): T {
  const read = schema.safeParse(data);
  if (read.success) return read.data;
  throw new TocsinError('origin-refused', {
    message: `Prometheus answered ${name} with something else than is documented.`,
    remedy: 'See that the address leads to Prometheus, and that the query gives series and not a text or a range.',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function readText(response: Response, name: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestAnswer) {
      const message = `Prometheus answered ${name} with more than ${largestAnswer / 1024 / 1024} MiB.`;
      throw new TocsinError('origin-refused', { message, remedy: 'Ask for fewer series: with sum, topk or labels.' });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
