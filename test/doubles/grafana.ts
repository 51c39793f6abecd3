import { type AlertmanagerDouble, startAlertmanagerDouble } from './alertmanager.ts';

/** The state of an instance of a rule, as Grafana shows it. */
export interface RuleState {
  labels: Record<string, string>;
  /** `Normal`, `Pending`, `Alerting`, `Recovering`, `NoData`, `Error`, perhaps with a reason in brackets. */
  state: string;
}

/**
 * The API of a Grafana, as far as it is read: the Alertmanager in it, which knows no status and lists its receivers elsewhere, and the
 * states of rules. It refuses who has no token. Source: grafana pkg/services/ngalert/api.
 */
export interface GrafanaDouble extends AlertmanagerDouble {
  rules: RuleState[];
  /** The annotations that were written, as they were sent. */
  annotations: { text: string; tags: string[] }[];
  /** The token of the service account. */
  token: string;
  /** Whether it may make and end silences. */
  mayWrite: boolean;
}

export async function startGrafanaDouble(now: () => number): Promise<GrafanaDouble> {
  const own: Pick<GrafanaDouble, 'rules' | 'annotations' | 'token' | 'mayWrite'> = {
    rules: [],
    annotations: [],
    token: 'glsa_double',
    mayWrite: true,
  };
  const inside = '/api/alertmanager/grafana/api/v2';
  const double = await startAlertmanagerDouble(now, (request, path) => {
    if (request.headers.authorization !== `Bearer ${grafana.token}`)
      return { status: 401, body: { message: 'Unauthorized', messageId: 'session.token.unauthorized' } };
    if (path === '/api/prometheus/grafana/api/v1/alerts') {
      const alerts = grafana.rules.map(rule => ({
        ...rule,
        annotations: {},
        activeAt: new Date(now()).toISOString(),
        value: '',
      }));
      return { status: 200, body: { status: 'success', data: { alerts } } };
    }
    if (path === '/api/annotations') {
      if (request.method === 'POST') {
        const chunks: Buffer[] = [];
        request.on('data', chunk => chunks.push(chunk));
        request.on('end', () => grafana.annotations.push(JSON.parse(Buffer.concat(chunks).toString())));
        return { status: 200, body: { id: 1, message: 'Annotation added' } };
      }
      return { status: 200, body: [] };
    }
    if (path === '/api/alertmanager/grafana/config/api/v1/receivers')
      return { status: 200, body: (double.receivers ?? []).map(name => ({ name, active: true, integrations: [] })) };
    const writes = request.method !== 'GET' && path.startsWith(`${inside}/silence`);
    if (writes && !grafana.mayWrite)
      return { status: 403, body: { message: "You'll need additional permissions to perform this action." } };
    if (path === `${inside}/alerts` || path === `${inside}/silences` || path.startsWith(`${inside}/silence/`))
      return { path: path.slice('/api/alertmanager/grafana'.length) };
    return { status: 404, body: { message: 'Not found' } };
  });
  const grafana: GrafanaDouble = Object.assign(double, own);
  return grafana;
}
