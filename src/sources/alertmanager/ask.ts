import { z } from 'zod';
import type { Alert } from '../../model/alert.ts';
import { timeOf } from '../../model/incoming.ts';
import type { Sight } from '../../model/look.ts';
import type { AskTools } from '../../ports/source.ts';
import { fingerprintOf } from './identity.ts';
import type { Options } from './options.ts';

const listed = z.array(
  z.object({
    fingerprint: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    endsAt: z.string(),
    status: z.object({ state: z.string() }),
  }),
);
export const apiStatus = z.object({
  uptime: z.string(),
  cluster: z.object({ status: z.string() }).optional(),
  versionInfo: z.object({ version: z.string() }).optional(),
});

/** Asks API v2. The list has active, silenced and inhibited alerts, but no resolved ones. Source: Alertmanager api/v2/openapi.yaml. */
export async function look(alert: Alert, given: Options, tools: AskTools): Promise<Sight> {
  const { body, at } = await ask(`alerts?${filters(alert)}`, given, tools);
  const found = listed.parse(body).find(one => fingerprintOf(one) === alert.fingerprint);
  const endsAt = found === undefined ? null : timeOf(found.endsAt);
  // Alertmanager drops ended alerts by its own clock, so `at` is its time (the Date header) and not ours.
  if (found !== undefined && (endsAt === null || endsAt >= at)) return { state: 'firing', at, endsAt };
  const doubt = await doubtOf(given, tools, at);
  return doubt === null ? { state: 'gone', at: at + dateStep } : { state: 'unknown', because: doubt };
}

/** The Date header counts in whole seconds, so it may be this much later, milliseconds: what is gone counts as gone at the latest moment. */
export const dateStep = 999;

/** Why the list proves nothing yet: after a restart it is empty until Prometheus has sent all alerts again. Null when it does. */
export async function doubtOf(given: Options, tools: AskTools, at: number): Promise<string | null> {
  const status = apiStatus.parse((await ask('status', given, tools)).body);
  if (at - (timeOf(status.uptime) ?? 0) < given.settle) return 'Alertmanager started a moment ago';
  return status.cluster?.status === 'settling' ? 'the cluster of Alertmanager is settling' : null;
}

/** Label matchers that narrow the list; the result is then compared by fingerprint. Labels that were cut or need quoting are left out. */
function filters(alert: Alert): string {
  const query = new URLSearchParams({ active: 'true', silenced: 'true', inhibited: 'true', unprocessed: 'true' });
  const plain = Object.entries(alert.labels).filter(
    ([name, value]) =>
      /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && value.length <= 200 && !/[\u0000-\u001f\ufffd]/.test(value),
  );
  for (const [name, value] of plain.slice(0, 8)) query.append('filter', `${name}=${JSON.stringify(value)}`);
  return query.toString();
}

/** The longest response, bytes. */
const largestAnswer = 16 * 1024 * 1024;

export async function ask(path: string, given: Options, tools: AskTools): Promise<{ body: unknown; at: number }> {
  const { text, at } = await askText(path, given, tools);
  return { body: JSON.parse(text), at };
}

/** The answer as text, and when Alertmanager gave it, by its clock. Rejects when it is cut, too large or no success. */
export async function askText(path: string, given: Options, tools: AskTools): Promise<{ text: string; at: number }> {
  const response = await tools.fetch(`${given.url?.replace(/\/+$/, '')}/api/v2/${path}`, {
    headers: { accept: 'application/json', ...given.headers },
    // A redirect could send our headers to another host.
    redirect: 'error',
    signal: tools.signal,
  });
  const text = await readText(response);
  if (!response.ok) throw new Error(`Alertmanager answered ${response.status} to ${path.split('?')[0]}`);
  const date = Date.parse(response.headers.get('date') ?? '');
  return { text, at: Number.isFinite(date) ? date : tools.clock.now() };
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error(`Alertmanager answered with more than ${largestAnswer} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
