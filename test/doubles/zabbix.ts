import { z } from 'zod';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface ZabbixProblem {
  r_eventid: string;
  acknowledged: '0' | '1';
  acknowledges: { acknowledgeid: string; message: string; action: string }[];
  /** Whether the trigger allows manual close. */
  closes: boolean;
}

/**
 * event.get, event.acknowledge and apiinfo.version of Zabbix's JSON-RPC API: it takes what the real one takes and refuses the rest, always
 * with 200. Source: Zabbix manual 6.0 and 7.0, API, event.acknowledge, authentication.
 */
export interface ZabbixDouble extends OriginServer {
  version: string;
  token: string;
  /** False for a role that may not call event.acknowledge. */
  writes: boolean;
  problems: Map<string, ZabbixProblem>;
}

const rpc = z.strictObject({
  jsonrpc: z.literal('2.0'),
  method: z.string(),
  params: z.unknown().optional(),
  id: z.int(),
  auth: z.string().optional(),
});
const get = z.strictObject({
  eventids: z.array(z.string()).optional(),
  output: z.array(z.string()),
  source: z.literal(0).optional(),
  object: z.literal(0).optional(),
  limit: z.int().optional(),
  select_acknowledges: z.array(z.string()).optional(),
  selectAcknowledges: z.array(z.string()).optional(),
});
const acknowledge = z.strictObject({
  eventids: z.array(z.string().regex(/^\d+$/)).min(1),
  action: z.int().min(1).max(31),
  message: z.string().min(1).max(2048),
});

class Refused extends Error {}

export async function startZabbixDouble(): Promise<ZabbixDouble> {
  const double: ZabbixDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    version: '7.0.5',
    token: 'zabbix token',
    writes: true,
    problems: new Map(),
  });
  return double;
}

function answerOf({ method, path, headers, body }: Asked, double: ZabbixDouble): Answer {
  if (method !== 'POST' || path !== '/zabbix/api_jsonrpc.php') return { status: 404, body: {} };
  if (headers['content-type'] !== 'application/json-rpc') return { status: 412, body: {} };
  const call = rpc.parse(body);
  try {
    return {
      status: 200,
      body: { jsonrpc: '2.0', result: resultOf(call, headers.authorization, double), id: call.id },
    };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return {
      status: 200,
      body: { jsonrpc: '2.0', error: { code: -32602, message: 'Invalid params.', data: error.message }, id: call.id },
    };
  }
}

function resultOf(call: z.infer<typeof rpc>, header: string | undefined, double: ZabbixDouble): unknown {
  if (call.method === 'apiinfo.version') {
    if (header !== undefined || call.auth !== undefined)
      throw new Refused('The "apiinfo.version" method must be called without the "auth" parameter.');
    return double.version;
  }
  const isNew = Number.parseFloat(double.version) >= 6.4;
  if (!isNew && header !== undefined) throw new Refused('Not authorized.');
  if (isNew && call.auth !== undefined) throw new Refused('Invalid parameter "/": unexpected parameter "auth".');
  if ((isNew ? header?.replace(/^Bearer /, '') : call.auth) !== double.token)
    throw new Refused('Session terminated, re-login, please.');
  if (call.method === 'event.get') return found(get.parse(call.params), double);
  if (call.method === 'event.acknowledge' && double.writes) return acted(acknowledge.parse(call.params), double);
  throw new Refused(`No permissions to call "${call.method}".`);
}

function found(query: z.infer<typeof get>, { problems, version }: ZabbixDouble): unknown {
  const isNewest = Number.parseFloat(version) >= 7;
  if (isNewest && query.select_acknowledges !== undefined)
    throw new Refused('Invalid parameter "/": unexpected parameter "select_acknowledges".');
  const withUpdates = isNewest ? query.selectAcknowledges : query.select_acknowledges;
  return (query.eventids ?? []).flatMap(id => {
    const problem = problems.get(id);
    if (problem === undefined) return [];
    const { r_eventid, acknowledged, acknowledges } = problem;
    return [{ eventid: id, r_eventid, acknowledged, ...(withUpdates === undefined ? {} : { acknowledges }) }];
  });
}

function acted({ eventids, action, message }: z.infer<typeof acknowledge>, { problems }: ZabbixDouble): unknown {
  for (const id of eventids) {
    const problem = problems.get(id);
    if (problem === undefined) throw new Refused('No permissions to referred object or it does not exist!');
    if ((action & 1) !== 0 && !problem.closes)
      throw new Refused('Cannot close problem: trigger does not allow manual closing.');
    if ((action & 4) === 0) throw new Refused('Incorrect value for field "message": should be empty.');
    const skipped = (problem.acknowledged === '1' ? 2 : 16) & action;
    if ((action & 2) !== 0) problem.acknowledged = '1';
    if ((action & 16) !== 0) problem.acknowledged = '0';
    problem.acknowledges.push({
      acknowledgeid: String(problem.acknowledges.length + 8),
      message,
      action: String(action - skipped),
    });
  }
  return { eventids: eventids.map(Number) };
}
