import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { type AppDouble, answerApp, createApp, permissionsOf } from './app.ts';
import { answerGates, answerHook, createGates, type GatesDouble } from './gates.ts';
import { answerReport, type ReportsDouble } from './report.ts';

/**
 * What is written to GitHub's REST API: comments on commits, and the states of commits and deployments. It takes what the real one takes and refuses the rest. Source: docs.github.com, REST API
 * endpoints for commit comments; getting started (headers); rate limits.
 */
export interface GitHubDouble extends ReportsDouble {
  url: string;
  token: string;
  /** By `owner/repository/sha`; a commit that is not here does not exist. */
  commits: Map<string, string[]>;
  app: AppDouble;
  gates: GatesDouble;
  /** By its clock, milliseconds since the epoch. */
  now(): number;
  /** Every request in order. */
  requests: string[];
  /** What the next requests get instead, one after the other: `lost` has its effect and breaks the connection. */
  faults: ('none' | 'lost' | { status: number; message?: string; headers?: Record<string, string> })[];
  close(): void;
}

const comment = z.strictObject({ body: z.string().min(1).max(65_536) });
const mostPerPage = 100;

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export async function startGitHub(now: () => number = Date.now): Promise<GitHubDouble> {
  const server = createServer(async (request, response) => {
    double.requests.push(`${request.method} ${request.url}`);
    let text = '';
    for await (const chunk of request) text += chunk;
    const fault = double.faults.shift();
    const answer = typeof fault === 'object' ? refusal(fault) : answerOf(request, text, double);
    if (fault === 'lost' || isLost(request, text, double)) return response.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', ...answer.headers });
    response.end(answer.status === 204 ? '' : JSON.stringify(answer.body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const double: GitHubDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3`,
    token: 'github_pat_double',
    commits: new Map(),
    statuses: new Map(),
    checks: new Map(),
    deployments: new Map(),
    app: createApp(),
    gates: createGates(),
    now,
    requests: [],
    faults: [],
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return double;
}

/** An answer of a rule that has its effect and does not arrive. */
function isLost({ method, url }: IncomingMessage, text: string, { gates }: GitHubDouble): boolean {
  const isAnswer =
    method === 'POST' && url?.endsWith('/deployment_protection_rule') === true && text.includes('"state"');
  if (!isAnswer || gates.loseNext === 0) return false;
  gates.loseNext -= 1;
  return true;
}

function refusal({
  status,
  message = 'the double refuses',
  headers = {},
}: Extract<GitHubDouble['faults'][number], object>): Answer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest' }, headers };
}

function answerOf({ method = '', url, headers }: IncomingMessage, text: string, double: GitHubDouble): Answer {
  const asked = new URL(url ?? '', 'http://double');
  const bearer = headers.authorization?.replace(/^bearer /i, '') ?? '';
  const app = answerApp(method, asked.pathname, bearer, text, double.app, double.now(), () =>
    answerHook(method, asked, double.gates),
  );
  if (app !== null) return app;
  const [, at = null] = /^\/api\/v3\/repos\/([^/]+\/[^/]+)\//.exec(asked.pathname) ?? [];
  const may = bearer === double.token ? 'all' : permissionsOf(bearer, at, double.app, double.now());
  if (may === null) return refusal({ status: 401, message: 'Bad credentials' });
  if (!headers['user-agent']) return refusal({ status: 403, message: 'Request forbidden by administrative rules.' });
  if (headers.accept !== 'application/vnd.github+json') return refusal({ status: 415 });
  if (headers['x-github-api-version'] !== '2022-11-28') return refusal({ status: 400, message: 'No such version' });
  if (asked.pathname === '/api/v3/meta' && method === 'GET') return { status: 200, body: {} };
  const gate = answerGates(method, asked, text, double.gates, double.app.id, may);
  if (gate !== null) return gate;
  const report = answerReport(method, asked, text, double, may);
  if (report !== null) return report;
  const [, place, sha] =
    /^\/api\/v3\/repos\/([^/]+\/[^/]+)\/commits\/([0-9a-f]+)\/comments$/.exec(asked.pathname) ?? [];
  const comments = double.commits.get(`${place}/${sha}`);
  if (place === undefined || comments === undefined) return refusal({ status: 404, message: 'Not Found' });
  if (method === 'GET') {
    const size = Math.min(mostPerPage, Number(asked.searchParams.get('per_page') ?? 30));
    const from = (Number(asked.searchParams.get('page') ?? 1) - 1) * size;
    return {
      status: 200,
      body: comments.slice(from, from + size).map((body, index) => ({ id: from + index + 1, body })),
    };
  }
  const parsed = comment.safeParse(JSON.parse(text));
  if (method !== 'POST' || !parsed.success) return refusal({ status: 422, message: 'Validation Failed' });
  comments.push(parsed.data.body);
  return { status: 201, body: { id: comments.length, body: parsed.data.body } };
}
