import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Options } from './options.ts';

/** Calls of the JSON-RPC API. They reject only with `origin-limited`, `origin-down` or `origin-refused`. */
export interface Api {
  call(method: string, params: object): Promise<unknown>;
  /** The version as [major, minor]; asked once. */
  version(): Promise<readonly [number, number]>;
}

const answer = z.object({
  result: z.unknown().optional(),
  error: z.object({ message: z.string().nullish(), data: z.string().nullish() }).nullish(),
});

const remedy = 'Correct apiToken of the source in tocsin.yaml: Zabbix, Users, API tokens.';

/** The token goes into a header since Zabbix 6.4, and into the body before. Source: Zabbix manual, API, authentication; API changes in 6.4. */
export function apiOf({ url = '', apiToken = '' }: Options, tools: Pick<OriginApi, 'fetch' | 'signal'>): Api {
  const origin: OriginApi = {
    name: 'Zabbix',
    ...tools,
    refusedKey: { because: 'The token is not valid.', remedy },
  };
  const address = `${url.replace(/\/+$/, '').replace(/\/api_jsonrpc\.php$/, '')}/api_jsonrpc.php`;
  let known: Promise<readonly [number, number]> | null = null;

  async function send(method: string, params: object, auth: { header?: string; body?: string }): Promise<unknown> {
    const body = { jsonrpc: '2.0', method, params, id: 1, ...(auth.body === undefined ? {} : { auth: auth.body }) };
    const got = await requestOrigin(
      address,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json-rpc',
          ...(auth.header === undefined ? {} : { authorization: `Bearer ${auth.header}` }),
        },
        body: JSON.stringify(body),
      },
      origin,
    );
    const read = answer.safeParse(got);
    if (!read.success)
      throw new TocsinError('origin-down', { message: 'What answers is not Zabbix: it sends no JSON-RPC.' });
    if (read.data.error != null) throw failure(read.data.error);
    return read.data.result;
  }

  async function ask(): Promise<readonly [number, number]> {
    const [major = '', minor = ''] = String(await send('apiinfo.version', [], {})).split('.');
    return [Number.parseInt(major, 10) || 0, Number.parseInt(minor, 10) || 0];
  }

  const version = () => {
    known ??= ask().catch(error => {
      known = null;
      throw error;
    });
    return known;
  };
  return {
    version,
    async call(method, params) {
      const [major, minor] = await version();
      const inHeader = major > 6 || (major === 6 && minor >= 4);
      return send(method, params, inHeader ? { header: apiToken } : { body: apiToken });
    },
  };
}

/** Zabbix answers 200 to what it refuses. A wrong token fails every call until somebody corrects it, so that is tried again. */
function failure({
  message,
  data,
}: {
  message?: string | null | undefined;
  data?: string | null | undefined;
}): TocsinError {
  const said = cutText(visibleLine([message, data].filter(Boolean).join(' ')), 300);
  const text = `Zabbix answered: ${said}`;
  return /re-login|not authori[sz]ed|API token expired/i.test(said)
    ? new TocsinError('origin-down', { message: `${text} The token is not valid.`, remedy })
    : new TocsinError('origin-refused', { message: text });
}
