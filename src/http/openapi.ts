import { z } from 'zod';
import { apiRoutes } from './api/index.ts';
import { errorDoc } from './docs.ts';
import type { Route, RouteAnswer } from './route.ts';

type JsonObject = Record<string, unknown>;

type PlainRoute = Omit<Route, 'handle' | 'method'> & { method: Route['method'] | 'OPTIONS' };

/** The addresses that are not under /api, as they are documented. */
const plainRoutes: readonly PlainRoute[] = [
  {
    method: 'POST',
    path: '/events/{source}',
    about:
      'Delivers events. The body and its proof are what the source documents; answered once every event is durable.',
    params: z.object({ source: z.string() }),
    query: z.object({}),
    body: z.unknown(),
    answers: {
      202: {
        about: 'Durable.',
        schema: z.object({
          accepted: z.array(z.object({ event: z.string(), alert: z.string().nullable(), duplicate: z.boolean() })),
        }),
      },
      401: { about: 'The signature does not fit, or there is no such source.', schema: errorDoc },
      413: { about: 'The body is larger than the source allows.', schema: errorDoc },
      415: { about: 'The source does not take this content type.', schema: errorDoc },
      422: { about: 'The body does not parse.', schema: errorDoc },
      503: { about: 'Overloaded or stopping: send it again after Retry-After.', schema: errorDoc },
    },
  },
  {
    method: 'OPTIONS',
    path: '/events/{source}',
    about:
      'Asks whether a sender may deliver here (the handshake of CloudEvents webhooks). The consent is in the headers; it proves nothing and needs no proof.',
    params: z.object({ source: z.string() }),
    query: z.object({}),
    body: null,
    answers: {
      200: { about: 'It may, as the headers say.', schema: null, type: 'text/plain' },
      405: { about: 'It may not, nobody asks here, or there is no such source.', schema: errorDoc },
    },
  },
  plain('/healthz', 'Tells that the process is up.', {
    200: { about: 'It is up.', schema: z.object({ ok: z.literal(true) }) },
  }),
  plain('/readyz', 'Tells whether events are accepted, which parts are not well, and what is wrong with the files.', {
    200: { about: 'Events are accepted; `well` says whether every part is well.', schema: readiness() },
    503: { about: 'Stopping, or the database takes no writes.', schema: readiness() },
  }),
  plain('/metrics', 'Metrics in the text format of Prometheus.', {
    200: { about: 'The metrics.', schema: null, type: 'text/plain' },
  }),
  plain('/openapi.json', 'This document.', { 200: { about: 'The document.', schema: z.looseObject({}) } }),
];

function readiness(): z.ZodType {
  return z.object({
    ready: z.boolean(),
    well: z.boolean(),
    draining: z.boolean(),
    parts: z.record(z.string(), z.string().nullable()),
    problems: z.array(z.looseObject({ file: z.string(), line: z.int(), column: z.int(), message: z.string() })),
    version: z.string(),
  });
}

function plain(path: string, about: string, answers: Record<number, RouteAnswer>): PlainRoute {
  return { method: 'GET', path, about, params: z.object({}), query: z.object({}), body: null, answers };
}

/** The OpenAPI 3.1 document, made from the schemas that the server checks with. */
export function openApi(version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  const schemas: JsonObject = {};
  for (const route of [...plainRoutes, ...apiRoutes]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tocsin',
      version,
      description: 'Alerts, runs, approvals and the journal. Callers of /api send a bearer token named in tocsin.yaml.',
    },
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

function operation(route: PlainRoute, schemas: JsonObject): JsonObject {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...parametersOf(route.headers ?? z.object({}), 'header'),
  ];
  const body = route.body === null ? {} : { requestBody: requestBody(route.body, schemas) };
  return {
    summary: route.about,
    operationId: operationId(route),
    ...(/^\/(api|gates)(\/|$)/.test(route.path) && { security: [{ bearer: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...body,
    responses: Object.fromEntries(
      Object.entries(route.answers).map(([status, answer]) => [status, response(answer, schemas)]),
    ),
  };
}

/** `get /api/v1/runs/{id}/output` -> `getRunsIdOutput`. */
function operationId(route: { method: string; path: string }): string {
  const words = route.path.replace('/api/v1', '').match(/[a-z]+/gi) ?? [];
  return route.method.toLowerCase() + words.map(word => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

function parametersOf(shape: z.ZodObject, place: 'path' | 'query' | 'header'): JsonObject[] {
  const schema = z.toJSONSchema(shape, { io: 'input' });
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = typeof property === 'object' ? property : {};
    const required = place === 'path' || (schema.required ?? []).includes(name);
    return { name, in: place, required, ...(description && { description }), schema: typed(rest) };
  });
}

/** Coerced numbers accept any input, so their JSON Schema has no type. Bounds show that they are integers. */
function typed(schema: JsonObject): JsonObject {
  return schema['type'] === undefined && schema['anyOf'] === undefined && schema['enum'] === undefined
    ? { type: 'integer', ...schema }
    : schema;
}

function requestBody(body: z.ZodType, schemas: JsonObject): JsonObject {
  const required = !body.safeParse(undefined).success;
  return { required, content: { 'application/json': { schema: reference(body, schemas, 'input') } } };
}

function response(answer: RouteAnswer, schemas: JsonObject): JsonObject {
  const type = answer.type ?? 'application/json';
  const schema = answer.schema === null ? { type: 'string' } : reference(answer.schema, schemas, 'output');
  return { description: answer.about, content: { [type]: { schema } } };
}

/** The JSON Schema of a value; what has a name of its own is moved to the components. */
function reference(schema: z.ZodType, schemas: JsonObject, io: 'input' | 'output'): JsonObject {
  const {
    $schema: _,
    $defs,
    ...rest
  } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' });
  for (const [name, definition] of Object.entries($defs ?? {})) {
    const { id: __, ...kept } = definition as JsonObject;
    schemas[componentName(name)] = relocate(kept);
  }
  const { id, ...own } = rest as JsonObject;
  if (typeof id !== 'string') return relocate(own) as JsonObject;
  schemas[id] = relocate(own);
  return { $ref: `#/components/schemas/${id}` };
}

function relocate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocate);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? componentRef(inner) : relocate(inner),
    ]),
  );
}

function componentRef(ref: string): string {
  return `#/components/schemas/${componentName(ref.replace('#/$defs/', ''))}`;
}

/** The only generated name: the recursive schema of any JSON value has no name of its own. */
function componentName(name: string): string {
  if (!name.startsWith('__schema')) return name;
  if (name === '__schema0') return 'Json';
  throw new Error(`give the recursive schema ${name} a name: .meta({ id })`);
}
