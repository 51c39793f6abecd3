import type { Alert } from '../../model/alert.ts';
import type { Labels } from '../../model/event.ts';
import type { AskTools } from '../../ports/source.ts';

/** An API v2, of an Alertmanager or of a program that has one in it. */
export interface Api {
  /** What answers there, for errors. */
  name: string;
  /** The address up to and with `/api/v2`. */
  base: string;
  headers: Readonly<Record<string, string>>;
  /** Where its receivers are listed. */
  receivers: string;
  /**
   * Why the list proves nothing now; null when it does. It is asked after the list, so that a process that began in between is doubted too.
   * `at` is the time of the list, by the origin's clock.
   */
  doubt(asked: Asked, at: number, tools: AskTools): Promise<string | null>;
}

/** What the list was asked for: one alert that it does not have, or all, with the labels of those that it has. */
export type Asked = { absent: Alert } | { listed: readonly Labels[] };

/** What a request needs. */
export type Requests = Pick<Api, 'name' | 'base' | 'headers'>;

/** The longest response, bytes. */
const largestAnswer = 16 * 1024 * 1024;

/** The answer to a path of the API, or to a whole address of the same origin, and when it was given, by its clock. */
export async function ask(path: string, api: Requests, tools: AskTools): Promise<{ body: unknown; at: number }> {
  const { text, at } = await askText(path, api, tools);
  return { body: JSON.parse(text), at };
}

/** The same as text. Rejects when the answer is cut, too large or no success. */
export async function askText(path: string, api: Requests, tools: AskTools): Promise<{ text: string; at: number }> {
  const response = await tools.fetch(path.startsWith('http') ? path : `${api.base}/${path}`, {
    headers: { accept: 'application/json', ...api.headers },
    // A redirect could send our headers to another host.
    redirect: 'error',
    signal: tools.signal,
  });
  const text = await readText(response, api);
  if (!response.ok) throw new Error(`${api.name} answered ${response.status} to ${path.split('?')[0]}`);
  const date = Date.parse(response.headers.get('date') ?? '');
  return { text, at: Number.isFinite(date) ? date : tools.clock.now() };
}

async function readText(response: Response, { name }: Requests): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error(`${name} answered with more than ${largestAnswer} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
