import { z } from 'zod';
import { basicHeader } from '../../src/kernel/signature.ts';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface JiraIssue {
  summary: string;
  description: string;
  labels: string[];
  status: 'Open' | 'In Progress' | 'Done' | 'Rejected';
  /** Oldest first. */
  comments: string[];
  fields: Record<string, unknown>;
}

/**
 * The part of Jira Cloud's REST API, version 2, that tickets need. The search does not know an issue before `index` was called, as the real
 * one may not for some minutes. Source: developer.atlassian.com, Jira Cloud REST API v2; search and reconcile.
 */
export interface JiraDouble extends OriginServer {
  user: string;
  token: string;
  account: string;
  permissions: string[];
  /** By key. */
  issues: Map<string, JiraIssue>;
  /** Lets the search know all issues. */
  index(): void;
  /** True when it knows each at once. */
  indexes: boolean;
}

const categories = { Open: 'new', 'In Progress': 'indeterminate', Done: 'done', Rejected: 'done' } as const;
const steps: Readonly<Record<JiraIssue['status'], readonly { id: string; name: string; to: JiraIssue['status'] }[]>> = {
  Open: [
    { id: '11', name: 'Start', to: 'In Progress' },
    { id: '21', name: 'Reject', to: 'Rejected' },
    { id: '31', name: 'Close issue', to: 'Done' },
  ],
  'In Progress': [{ id: '31', name: 'Close issue', to: 'Done' }],
  Done: [],
  Rejected: [],
};

const create = z.strictObject({
  fields: z
    .object({
      project: z.strictObject({ key: z.string() }),
      issuetype: z.strictObject({ name: z.enum(['Task', 'Incident']) }),
      summary: z
        .string()
        .min(1)
        .max(255)
        .regex(/^[^\n\r]*$/),
      description: z.string().max(32_767),
      labels: z.array(z.string().regex(/^\S{1,255}$/)),
    })
    .catchall(z.unknown()),
});
const say = z.strictObject({ body: z.string().min(1).max(32_767) });
const move = z.strictObject({ transition: z.strictObject({ id: z.string() }) });
const refused = (status: number, message: string): Answer => ({
  status,
  body: { errorMessages: [message], errors: {} },
});

export async function startJiraDouble(): Promise<JiraDouble> {
  const indexed = new Set<string>();
  const double: JiraDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double, indexed)), {
    user: 'tocsin@acme.example',
    token: 'jira token',
    account: '557058:tocsin',
    permissions: ['BROWSE_PROJECTS', 'CREATE_ISSUES', 'ADD_COMMENTS', 'TRANSITION_ISSUES'],
    issues: new Map(),
    index: () => {
      for (const key of double.issues.keys()) indexed.add(key);
    },
    indexes: true,
  });
  return double;
}

function answerOf({ method, path, query, headers, body }: Asked, double: JiraDouble, indexed: Set<string>): Answer {
  if (headers.authorization !== basicHeader(double.user, double.token))
    return refused(401, 'You are not authenticated.');
  if (double.indexes) double.index();
  const ok = (data?: unknown, status = 200): Answer => ({ status, body: data });
  const below = path.replace('/rest/api/2', '');
  if (below === '/myself') return ok({ accountId: double.account });
  if (below === '/mypermissions') {
    if (query.get('projectKey') !== 'OPS') return refused(404, 'No project could be found with key.');
    const asked = (query.get('permissions') ?? '').split(',');
    return ok({
      permissions: Object.fromEntries(asked.map(name => [name, { havePermission: double.permissions.includes(name) }])),
    });
  }
  if (below === '/search/jql') {
    const label = /^labels = "([\w-]+)" ORDER BY created ASC$/.exec(query.get('jql') ?? '')?.[1] ?? '';
    const found = [...double.issues].filter(([key, issue]) => indexed.has(key) && issue.labels.includes(label));
    return ok({ issues: found.map(([key]) => ({ key })), isLast: true });
  }
  if (below === '/issue' && method === 'POST') {
    const parsed = create.safeParse(body);
    if (!parsed.success || parsed.data.fields.project.key !== 'OPS')
      return { status: 400, body: { errorMessages: [], errors: { project: 'valid project is required' } } };
    const { project: _, issuetype: _type, summary, description, labels, ...fields } = parsed.data.fields;
    const key = `OPS-${double.issues.size + 1}`;
    double.issues.set(key, { summary, description, labels, status: 'Open', comments: [], fields });
    return ok({ id: '1', key }, 201);
  }
  const [, key = '', part] = /^\/issue\/([A-Z]+-\d+)(?:\/(comment|transitions))?$/.exec(below) ?? [];
  const issue = double.issues.get(key);
  if (issue === undefined) return refused(404, 'Issue does not exist or you do not have permission to see it.');
  const statusOf = (name: JiraIssue['status']) => ({ name, statusCategory: { key: categories[name] } });
  if (part === undefined) return ok({ key, fields: { status: statusOf(issue.status) } });
  if (part === 'comment') {
    if (method === 'GET')
      return ok({
        comments: issue.comments
          .toReversed()
          .slice(0, 100)
          .map(text => ({ body: text })),
      });
    issue.comments.push(say.parse(body).body);
    return ok({ id: '1' }, 201);
  }
  if (method === 'GET')
    return ok({ transitions: steps[issue.status].map(step => ({ ...step, to: statusOf(step.to) })) });
  const step = steps[issue.status].find(({ id }) => id === move.parse(body).transition.id);
  if (step === undefined) return refused(400, 'It seems that you have tried to perform an illegal workflow operation.');
  issue.status = step.to;
  return { status: 204 };
}
