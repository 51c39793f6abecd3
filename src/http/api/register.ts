import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import type { Actor } from '../../model/actor.ts';
import { sendError, toTocsinError } from '../errors.ts';
import { identify } from '../identify.ts';
import type { HttpParts } from '../parts.ts';
import type { Answer, Route } from '../route.ts';
import { ActRefused } from './act.ts';

/** The largest body that the API takes, bytes. */
const maxBody = 256 * 1024;

const callers = new WeakMap<FastifyRequest, Actor>();

/** Serves the routes. The caller is identified before a body is read, and everything is parsed before the handler runs. */
export async function addApi(app: FastifyInstance, routes: readonly Route[], parts: HttpParts): Promise<void> {
  const readers = new Map(
    routes.flatMap(({ path, read }) => (read === undefined ? [] : [[urlOf(path), read] as const])),
  );
  await app.register(async api => {
    api.removeAllContentTypeParsers();
    api.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: maxBody },
      async (request: FastifyRequest, body: Buffer) => {
        const reader = readers.get(request.routeOptions.url ?? '');
        try {
          if (body.length === 0) return undefined;
          return reader === undefined ? parseStrictJson(body) : await reader.parse(body);
        } catch (error) {
          throw asBadRequest(error);
        }
      },
    );
    api.addHook('onRequest', (request, reply, done) => {
      reply.headers({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      callers.set(request, identify(request, parts));
      done();
    });
    api.setErrorHandler((error, request, reply) => {
      const shown = toTocsinError(error, parts.log, request);
      if (shown instanceof ActRefused && shown.decision !== null) return sendRefusal(reply, shown);
      return sendError(reply, shown);
    });
    for (const route of routes) addRoute(api, route, parts);
  });
}

function addRoute(api: FastifyInstance, route: Route, parts: HttpParts): void {
  api.route({
    method: route.method,
    url: urlOf(route.path),
    ...(route.read === undefined ? {} : { bodyLimit: route.read.limit }),
    handler: async (request, reply) => {
      const who = callers.get(request);
      if (who === undefined) throw new TocsinError('unauthenticated');
      const params = check(route.params, request.params, 'path');
      const query = check(route.query, request.query, 'query');
      const body = route.body === null ? undefined : check(route.body, request.body, 'body');
      const accept = request.headers.accept ?? '';
      return send(
        reply,
        request.method === 'HEAD',
        await route.handle({ params, query, body, who, parts, accept, headers: headersOf(route, request) }),
      );
    },
  });
}

/** Only those that the route names: others say nothing here. */
function headersOf({ headers: schema }: Route, request: FastifyRequest): Record<string, string> {
  if (schema === undefined) return {};
  const given = Object.keys(schema.shape).flatMap(name =>
    request.headers[name] === undefined ? [] : [[name, request.headers[name]]],
  );
  return check(schema, Object.fromEntries(given), 'header') as Record<string, string>;
}

/** As the server writes it. */
function urlOf(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function send(reply: FastifyReply, bare: boolean, answer: Answer): FastifyReply {
  reply.code(answer.status);
  // Nobody reads the body, so that nothing waits for it either.
  if ('stream' in answer && bare) {
    answer.stream.destroy();
    return reply.header('content-type', answer.type).send();
  }
  if ('stream' in answer) return reply.header('content-type', answer.type).send(answer.stream);
  if (answer.link !== undefined) reply.header('link', answer.link);
  return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer.json));
}

function sendRefusal(reply: FastifyReply, refused: ActRefused): FastifyReply {
  const { verdict, rule, because } = refused.decision ?? {};
  return reply.code(refused.status).send({ error: refused.toJSON(), decision: { verdict, rule, because } });
}

/** A body of the API that does not parse is `bad-request`; here, 422 is for parameters. */
function asBadRequest(error: unknown): TocsinError {
  if (error instanceof TocsinError && error.code !== 'bad-body') return error;
  if (!isCode(error, 'bad-body')) return new TocsinError('bad-request', { cause: error });
  return new TocsinError('bad-request', { message: error.message, ...(error.at && { at: error.at }) });
}

/** Parses one part of a request. Throws `bad-request`, which names every wrong field and the nearest known one. */
function check<S extends z.ZodType>(schema: S, value: unknown, where: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const known = issues.map(issue => keysFor(issue, schema, value)).find(keys => keys.length > 0) ?? [];
  throw new TocsinError('bad-request', {
    message: issues.map(issue => showIssue(issue, where, keysAt(schema, issue.path))).join('; '),
    ...(known.length > 0 && { allowed: known }),
  });
}

/** The keys say something only where one is unknown or missing, and only those of the object in which it is. */
function keysFor(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string[] {
  if (issue.code === 'unrecognized_keys') return keysAt(schema, issue.path);
  const given = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null)?.[key], value);
  return given === undefined ? keysAt(schema, issue.path.slice(0, -1)) : [];
}

/** The keys of the object at this place; none where the schema has no object. */
function keysAt(schema: unknown, [key, ...rest]: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return keysAt(schema.unwrap(), key === undefined ? [] : [key, ...rest]);
  if (schema instanceof z.ZodArray) return key === undefined ? [] : keysAt(schema.element, rest);
  if (!(schema instanceof z.ZodObject)) return [];
  return key === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(key)], rest);
}

function showIssue(issue: z.core.$ZodIssue, where: string, known: readonly string[]): string {
  const at = [where, ...issue.path.map(String)].join('.');
  if (issue.code !== 'unrecognized_keys') return `${at}: ${issue.message}`;
  const named = issue.keys.map(key => {
    const near = nearest(key, known);
    return `${key.slice(0, 64)}${near === null ? '' : ` (did you mean ${near}?)`}`;
  });
  return `${at}: not known: ${named.join(', ')}`;
}
