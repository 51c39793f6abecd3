import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256 } from '../../src/kernel/canonical.ts';
import { answerSilences, isActive, matches, type SilencesDouble } from './silences.ts';

/** An alert as API v2 lists it; times in milliseconds. */
export interface HeldAlert {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  startsAt: number;
  endsAt: number;
  receivers?: string[];
  silencedBy?: string[];
  inhibitedBy?: string[];
  mutedBy?: string[];
}

/**
 * The API of an Alertmanager, as far as it is read: strict about methods, paths and parameters, so that a wrong question fails. Source:
 * Alertmanager api/v2/openapi.yaml.
 */
export interface AlertmanagerDouble extends SilencesDouble {
  url: string;
  alerts: HeldAlert[];
  /** The receivers of its configuration; null when it does not say. */
  receivers: string[] | null;
  /** When it began, by its clock. */
  since: number;
  cluster: 'ready' | 'settling' | 'disabled';
  /** What it does with the list: answer, cut it within, fail, name its length and close early. */
  list: 'whole' | 'cut' | 'error' | 'closed' | 'html';
  /** Paths that were asked for, with their queries. */
  asked: string[];
  /** How often the whole list was answered or refused. */
  lists(): number;
  close(): Promise<void>;
}

const listQuery = ['active', 'silenced', 'inhibited', 'unprocessed'];

export function fingerprintOfLabels(labels: Record<string, string>): string {
  return sha256(JSON.stringify(Object.entries(labels).sort())).slice(0, 16);
}

/** What stands before the API: it answers by itself, or says which path of the API is meant. */
export type Front = (request: IncomingMessage, path: string) => { status: number; body: unknown } | { path: string };

export async function startAlertmanagerDouble(
  now: () => number,
  front: Front = (_request, path) => ({ path }),
): Promise<AlertmanagerDouble> {
  const server = createServer((request, response) => {
    // The clock of an answer has whole seconds.
    response.sendDate = false;
    response.setHeader('date', new Date(now()).toUTCString());
    void answer(request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const double: AlertmanagerDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    alerts: [],
    silences: new Map(),
    posted: [],
    faults: [],
    receivers: ['tocsin', 'chat', 'mail'],
    since: now() - 3_600_000,
    cluster: 'ready',
    list: 'whole',
    asked: [],
    lists: () => double.asked.filter(path => path.startsWith('/api/v2/alerts?') && !path.includes('filter=')).length,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://double');
    double.asked.push(url.pathname + url.search);
    const meant = front(request, url.pathname);
    if ('status' in meant) {
      response.statusCode = meant.status;
      send(response, meant.body);
      return;
    }
    url.pathname = meant.path;
    if (await answerSilences(request, response, url, double, now)) return;
    const [, id] = /^\/api\/v2\/silence\/([0-9a-z-]+)$/.exec(url.pathname) ?? [];
    const silence = double.silences.get(id ?? '');
    if (request.method !== 'GET') refuse(response, 405);
    else if (url.pathname === '/api/v2/status') send(response, statusOf());
    else if (url.pathname === '/api/v2/alerts') list(url.searchParams, response);
    else if (url.pathname === '/api/v2/receivers' && double.receivers !== null)
      send(
        response,
        double.receivers.map(name => ({ name })),
      );
    else if (silence === undefined) refuse(response, 404);
    else send(response, { id, matchers: [], status: { state: 'active' }, ...silence, endsAt: iso(silence.endsAt) });
  }

  function statusOf() {
    return {
      uptime: iso(double.since),
      versionInfo: { version: '0.25.0', branch: '', revision: '' },
      cluster: { status: double.cluster, peers: [] },
      config: { original: '' },
    };
  }

  /** By their matchers, and those that the alert names itself. */
  function silencesOf({ labels, silencedBy = [] }: HeldAlert): string[] {
    const found = [...double.silences].filter(([, one]) => isActive(one, now()) && matches(one, labels));
    return [...new Set([...silencedBy, ...found.map(([id]) => id)])];
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const unknown = [...query].some(
      ([name, value]) => name !== 'filter' && !(listQuery.includes(name) && ['true', 'false'].includes(value)),
    );
    const shownNow = double.alerts.map(alert => shown({ ...alert, silencedBy: silencesOf(alert) }));
    const text = JSON.stringify(shownNow);
    if (unknown) refuse(response, 400);
    else if (double.list === 'error') refuse(response, 500);
    else if (double.list === 'html') response.end('<html>a proxy</html>');
    else if (double.list === 'cut') response.end(text.slice(0, -Math.ceil(text.length / 3)));
    else if (double.list === 'closed') {
      response.writeHead(200, { 'content-length': text.length + 10 });
      response.write(text);
      setImmediate(() => response.destroy());
    } else send(response, shownNow);
  }
  return double;
}

function shown(alert: HeldAlert) {
  const { labels, annotations = {}, receivers = ['tocsin'] } = alert;
  const { silencedBy = [], inhibitedBy = [], mutedBy = [] } = alert;
  const quiet = silencedBy.length + inhibitedBy.length + mutedBy.length > 0;
  return {
    fingerprint: fingerprintOfLabels(labels),
    labels,
    annotations,
    startsAt: iso(alert.startsAt),
    endsAt: iso(alert.endsAt),
    updatedAt: iso(alert.startsAt),
    generatorURL: 'http://127.0.0.1:9090/graph',
    receivers: receivers.map(name => ({ name })),
    status: { state: quiet ? 'suppressed' : 'active', silencedBy, inhibitedBy, mutedBy },
  };
}

function send(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end('"refused by the double"');
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
