import { z } from 'zod';
import { basicHeader } from '../../src/kernel/signature.ts';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface IcingaObject {
  /** 0 is OK, or UP of a host. */
  state: number;
  acknowledgement: 0 | 1 | 2;
  comments: { author: string; text: string; entry_type: number; expiry?: number }[];
}

/**
 * The part of the API of Icinga 2 that is written to. It takes what the real one takes and answers in its words, as read from version
 * 2.13.6, which refuses no unknown parameter; this one does.
 */
export interface IcingaDouble extends OriginServer {
  user: string;
  password: string;
  permissions: string[];
  /** By `host` or `host!service`. */
  objects: Map<string, IcingaObject>;
  /** The notifications that acknowledgements sent: author and comment. */
  notified: { author: string; comment: string }[];
}

const target = { type: z.enum(['Host', 'Service']), host: z.string().optional(), service: z.string().optional() };
const words = { author: z.string().min(1), comment: z.string().min(1) };
const actions = {
  'acknowledge-problem': z.strictObject({ ...target, ...words, sticky: z.boolean(), notify: z.boolean() }),
  'remove-acknowledgement': z.strictObject({ ...target, author: z.string() }),
  'add-comment': z.strictObject({ ...target, ...words, expiry: z.int() }),
};
const query = z.strictObject({
  attrs: z.array(z.string()),
  filter: z.literal('comment.host_name == tocsin_host && comment.service_name == tocsin_service'),
  filter_vars: z.strictObject({ tocsin_host: z.string(), tocsin_service: z.string() }),
});

const nothing: Answer = { status: 404, body: { error: 404, status: 'No objects found.' } };

export async function startIcingaDouble(): Promise<IcingaDouble> {
  const double: IcingaDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    user: 'tocsin',
    password: 'api password',
    permissions: [
      ...Object.keys(actions).map(name => `actions/${name}`),
      ...['Host', 'Service', 'Comment'].map(name => `objects/query/${name}`),
    ],
    objects: new Map(),
    notified: [],
  });
  return double;
}

function answerOf(asked: Asked, double: IcingaDouble): Answer {
  const { method, path, headers, body } = asked;
  if (headers.authorization !== basicHeader(double.user, double.password))
    return { status: 401, body: { error: 401, status: 'Unauthorized. Please check your user credentials.' } };
  if (headers.accept !== 'application/json')
    return { status: 400, body: { error: 400, status: 'Accept header is missing' } };
  if (path === '/v1' && method === 'GET')
    return {
      status: 200,
      body: { results: [{ user: double.user, permissions: double.permissions, version: 'r2.13.6-1' }] },
    };
  const [, kind, name = ''] = /^\/v1\/objects\/(hosts|services)\/([^/]+)$/.exec(path) ?? [];
  if (kind !== undefined && method === 'GET') {
    const found = double.objects.get(decodeURIComponent(name));
    if (found === undefined || decodeURIComponent(name).includes('!') !== (kind === 'services')) return nothing;
    const { state, acknowledgement } = found;
    return { status: 200, body: { results: [{ attrs: { state, acknowledgement }, name }] } };
  }
  if (method !== 'POST') return nothing;
  if (path === '/v1/objects/comments' && headers['x-http-method-override'] === 'GET')
    return list(query.parse(body), double);
  return act(path, body, double);
}

function list({ filter_vars: { tocsin_host, tocsin_service } }: z.infer<typeof query>, double: IcingaDouble): Answer {
  const found = double.objects.get(tocsin_service === '' ? tocsin_host : `${tocsin_host}!${tocsin_service}`);
  return { status: 200, body: { results: (found?.comments ?? []).map(attrs => ({ attrs, type: 'Comment' })) } };
}

function act(path: string, body: unknown, double: IcingaDouble): Answer {
  const action = path.replace('/v1/actions/', '') as keyof typeof actions;
  if (!Object.hasOwn(actions, action) || !double.permissions.includes(`actions/${action}`))
    return {
      status: 404,
      body: {
        error: 404,
        status: `The requested path '${path.slice(1)}' could not be found or the request method is not valid for this path.`,
      },
    };
  const given: { type: string; host?: string; service?: string; author: string; comment?: string; expiry?: number } =
    actions[action].parse(body) as never;
  const name = (given.type === 'Host' ? given.host : given.service) ?? '';
  const found = double.objects.get(name);
  if (found === undefined) return nothing;
  const said = (status: number, text: string): Answer => ({
    status,
    body: { results: [{ code: status, status: text }] },
  });
  const comment = { author: given.author, text: given.comment ?? '' };
  if (action === 'add-comment') {
    found.comments.push({ ...comment, entry_type: 1, ...(given.expiry === undefined ? {} : { expiry: given.expiry }) });
    return said(200, `Successfully added comment for object '${name}'.`);
  }
  if (action === 'remove-acknowledgement') {
    found.acknowledgement = 0;
    found.comments = found.comments.filter(({ entry_type }) => entry_type !== 4);
    return said(200, `Successfully removed acknowledgement for object '${name}'.`);
  }
  if (found.state === 0) return said(409, `${given.type} ${name} is ${given.type === 'Host' ? 'UP' : 'OK'}.`);
  if (found.acknowledgement !== 0) return said(409, `${given.type} ${name} is already acknowledged.`);
  found.acknowledgement = 1;
  found.comments.push({ ...comment, entry_type: 4 });
  double.notified.push({ author: given.author, comment: comment.text });
  return said(200, `Successfully acknowledged problem for object '${name}'.`);
}
