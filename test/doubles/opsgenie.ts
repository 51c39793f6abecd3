import { z } from 'zod';
import { basicHeader } from '../../src/kernel/signature.ts';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface OpsgenieAlert {
  status: 'open' | 'closed';
  acknowledged: boolean;
  notes: string[];
}

/**
 * The alert API of Opsgenie, and that of Jira Service Management: actions are taken with 202 and done when their result is asked for the
 * second time. Source: docs.opsgenie.com, alert API; developer.atlassian.com, JSM ops REST API v1.
 */
export interface OpsgenieDouble extends OriginServer {
  key: string;
  jsm: { cloudId: string; user: string; token: string };
  alerts: Map<string, OpsgenieAlert>;
  /** What the next actions come to, in place of success. */
  failures: string[];
  /** True when nothing is ever done. */
  stuck: boolean;
}

interface Pending {
  asked: number;
  run(): { success: boolean; status: string };
  result: { success: boolean; status: string } | null;
}

const bodies = {
  opsgenie: z.strictObject({
    user: z.string().max(100),
    source: z.string().max(100),
    note: z.string().max(25_000).optional(),
  }),
  jsm: z.strictObject({ note: z.string().max(25_000).optional() }),
};

export async function startOpsgenieDouble(): Promise<OpsgenieDouble> {
  const pending = new Map<string, Pending>();
  const double: OpsgenieDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double, pending)), {
    key: 'genie key',
    jsm: { cloudId: '6f1c3f0e-0d5b-4c2b-9d0e-2f2f8f2b1a11', user: 'tocsin@acme.example', token: 'atlassian token' },
    alerts: new Map(),
    failures: [],
    stuck: false,
  });
  return double;
}

function answerOf(asked: Asked, double: OpsgenieDouble, pending: Map<string, Pending>): Answer {
  const { cloudId, user, token } = double.jsm;
  const isJsm = asked.path.startsWith('/jsm/');
  const wanted = isJsm ? basicHeader(user, token) : `GenieKey ${double.key}`;
  if (asked.headers.authorization !== wanted) return { status: 401, body: { message: 'Could not authenticate' } };
  const root = isJsm ? `/jsm/ops/api/${cloudId}/v1/alerts` : '/v2/alerts';
  if (!asked.path.startsWith(root)) return { status: 404, body: { message: 'No such resource' } };
  const given = (data: unknown): Answer => ({ status: 200, body: isJsm ? data : { data, took: 0.1, requestId: 'r' } });
  const parts = asked.path.slice(root.length).split('/').slice(1);
  if (parts[0] === undefined) return given(isJsm ? { values: [] } : []);
  if (parts[0] === 'requests') {
    const request = pending.get(parts[1] ?? '');
    if (request === undefined || double.stuck || request.asked++ < 1)
      return { status: 404, body: { message: 'Request not found. It might not be processed, yet.' } };
    request.result ??= request.run();
    return given(isJsm ? { isSuccess: request.result.success, status: request.result.status } : request.result);
  }
  const alert = double.alerts.get(parts[0]);
  const action = parts[1];
  if (asked.method === 'GET' && alert === undefined)
    return { status: 404, body: { message: `Alert with id [${parts[0]}] does not exist.` } };
  if (asked.method === 'GET' && action === undefined)
    return given({ id: parts[0], status: alert?.status, acknowledged: alert?.acknowledged });
  if (asked.method === 'GET' && action === 'notes') {
    const list = (alert?.notes ?? [])
      .toReversed()
      .slice(0, 100)
      .map(note => ({ note, owner: 'x', offset: '1' }));
    return given(isJsm ? { values: list } : list);
  }
  const body = bodies[isJsm ? 'jsm' : 'opsgenie'].safeParse(asked.body);
  if (asked.method !== 'POST' || !body.success || (action === 'notes' && body.data.note === undefined))
    return {
      status: 422,
      body: {
        message: 'Request body is not processable. Please check the errors.',
        errors: { note: 'may not be empty' },
      },
    };
  if (isJsm && action !== 'notes' && body.data.note !== undefined)
    return { status: 400, body: { message: 'no note here' } };
  const id = `request-${pending.size + 1}`;
  pending.set(id, { asked: 0, result: null, run: () => act(alert, action ?? '', body.data.note, double) });
  // It is done some time later, whether somebody asks or not.
  if (!double.stuck && double.failures.length === 0) {
    const one = pending.get(id);
    if (one !== undefined) one.result = one.run();
  }
  return { status: 202, body: { result: 'Request will be processed', took: 0.1, requestId: id } };
}

function act(alert: OpsgenieAlert | undefined, action: string, note: string | undefined, double: OpsgenieDouble) {
  const failure = double.failures.shift();
  if (failure !== undefined) return { success: false, status: failure };
  if (alert === undefined) return { success: false, status: 'Alert does not exist' };
  if (action === 'close') alert.status = 'closed';
  if (action === 'acknowledge') alert.acknowledged = true;
  if (action === 'unacknowledge') alert.acknowledged = false;
  if (note !== undefined) alert.notes.push(note);
  return { success: true, status: 'done' };
}
