import { z } from 'zod';
import { basicHeader } from '../../src/kernel/signature.ts';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface ServiceNowRecord {
  sys_id: string;
  number: string;
  state: string;
  fields: Record<string, unknown>;
  /** Newest first, as the display value of the journal has them. */
  notes: string[];
}

/** The Table API for incidents: it takes what the real one takes, and refuses other fields. Source: docs.servicenow.com, Table API. */
export interface ServiceNowDouble extends OriginServer {
  user: string;
  password: string;
  /** By correlation id. */
  records: Map<string, ServiceNowRecord>;
  /** The close codes of the instance: with another one the state stays, without an error. */
  closeCodes: string[];
}

const create = z
  .object({
    short_description: z
      .string()
      .min(1)
      .max(160)
      .regex(/^[^\n\r]*$/),
    description: z.string().max(4000),
    correlation_id: z.string().min(1).max(100),
    correlation_display: z.literal('Tocsin'),
  })
  .catchall(z.union([z.string(), z.number(), z.boolean()]));
const change = z.union([
  z.strictObject({ work_notes: z.string().min(1).max(4000) }),
  z.strictObject({ state: z.literal('6'), close_code: z.string(), close_notes: z.string().min(1) }),
]);

export async function startServiceNowDouble(): Promise<ServiceNowDouble> {
  const double: ServiceNowDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    user: 'tocsin',
    password: 'servicenow password',
    records: new Map(),
    closeCodes: ['Solution provided'],
  });
  return double;
}

function refused(status: number, message: string): Answer {
  return { status, body: { error: { message, detail: null }, status: 'failure' } };
}

function answerOf({ method, path, query, headers, body }: Asked, double: ServiceNowDouble): Answer {
  if (headers.authorization !== basicHeader(double.user, double.password))
    return refused(401, 'User Not Authenticated');
  const [, id] = /^\/api\/now\/table\/incident(?:\/([0-9a-f]{32}))?$/.exec(path) ?? [];
  if (!path.startsWith('/api/now/table/incident')) return refused(400, 'Invalid table');
  const shown = ({ sys_id, number, state }: ServiceNowRecord) => ({ sys_id, number, state });
  if (id === undefined && method === 'GET') {
    const wanted = /^correlation_id=([\w-]+)$/.exec(query.get('sysparm_query') ?? '')?.[1] ?? '';
    const found = double.records.get(wanted);
    return { status: 200, body: { result: found === undefined ? [] : [shown(found)] } };
  }
  if (id === undefined) {
    const given = create.parse(body);
    const count = double.records.size + 1;
    const made = {
      sys_id: String(count).padStart(32, '0'),
      number: `INC000${count}`,
      state: '1',
      fields: given,
      notes: [],
    };
    double.records.set(given.correlation_id, made);
    return { status: 201, body: { result: shown(made) } };
  }
  const record = [...double.records.values()].find(one => one.sys_id === id);
  if (record === undefined) return refused(404, 'No Record found');
  if (method === 'GET') {
    const journal = record.notes.map(note => `2026-11-20 11:00:00 - Tocsin (Work notes)\n${note}\n\n`).join('');
    return { status: 200, body: { result: { work_notes: journal } } };
  }
  const given = change.parse(body);
  if ('work_notes' in given) record.notes.unshift(given.work_notes);
  else if (double.closeCodes.includes(given.close_code)) record.state = given.state;
  return { status: 200, body: { result: shown(record) } };
}
