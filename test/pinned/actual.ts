import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as duties from '../../src/app/duties.ts';
import { tracingSettings } from '../../src/app/tracing.ts';
import type { Duty } from '../../src/flow/fleet/duty.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { openApi } from '../../src/http/openapi.ts';
import * as entry from '../../src/index.ts';
import { cli } from '../cli/terminal.ts';
import { startTestApp } from '../doubles/app.ts';
import { startPagerDuty } from '../doubles/pagerduty.ts';
import { config } from '../flow/origin/place.ts';

/** What really leaves the process, one line each, asked of the code that runs. */
const root = join(import.meta.dirname, '../..');

// biome-ignore lint/suspicious/noExplicitAny: a JSON document that is walked through
type Json = any;

export function exportsOfPackage(): string[] {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const show = (file: unknown) =>
    typeof file === 'string'
      ? file
      : Object.entries(file as object)
          .flat()
          .join(' ');
  return [...Object.entries(exports), ...Object.entries(bin)].map(([name, file]) => `${name} ${show(file)}`);
}

/** Values as they are at runtime, and types by the text of the entry, which has nothing but re-exports. */
export function namesOfEntry(): { values: string[]; types: string[] } {
  const text = readFileSync(join(root, 'src/index.ts'), 'utf8');
  const types = [...text.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, names = '']) =>
    names
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '' && (all !== undefined || name.startsWith('type ')))
      .map(name => name.replace(/^type /, '')),
  );
  return { values: Object.keys(entry).sort(), types: types.sort() };
}

export async function metricsOfProcess(): Promise<string[]> {
  const { registry } = createMetrics({ process: false });
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
  return registry
    .getMetricsAsArray()
    .map(metric => [types.get(metric.name), metric.name, ...(metric as unknown as { labelNames: string[] }).labelNames])
    .map(words => words.join(' '))
    .sort();
}

/** Every command with its words and options, as its help shows them. */
export async function commandLine(): Promise<string[]> {
  const shown = async (...argv: string[]) => (await cli(argv)).out;
  const names = [...(await shown('--help')).matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(match => match[1] ?? '');
  return Promise.all(
    names.map(async name => {
      const help = await shown(name, '--help');
      const usage = /Usage: tocsin (.*)/.exec(help)?.[1] ?? '';
      const options = [...help.matchAll(/^ {2}(--[a-z-]+(?: <[^>]+>)?)/gm)].map(match => match[1] ?? '');
      return [usage, ...options.filter(option => option !== '--help')].join(' | ');
    }),
  );
}

/** `GET /path ? query > body = fields of the answer`; what has a name of its own is listed under it. */
export function fieldsOfApi(): { routes: string[]; documents: string[] } {
  const { paths, components } = openApi('0') as Json;
  const routes = Object.entries<Json>(paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, route]) => {
      const query = (route.parameters ?? []).filter((one: Json) => one.in === 'query').map((one: Json) => one.name);
      const body = route.requestBody?.content['application/json'].schema;
      const answers = Object.entries<Json>(route.responses).map(([status, answer]) => {
        const [[type, { schema }] = ['', { schema: {} }]] = Object.entries<Json>(answer.content);
        const fields = type === 'application/json' ? leaves(schema) : [type];
        return fields.join() === 'Error' ? status : `${status}: ${fields.join(' ') || 'any'}`;
      });
      return [
        `${method.toUpperCase()} ${path}`,
        ...(query.length === 0 ? [] : [`? ${query.join(' ')}`]),
        ...(body === undefined ? [] : [`> ${leaves(body).join(' ') || 'any'}`]),
        `= ${answers.join(', ')}`,
      ].join(' ');
    }),
  );
  const documents = Object.entries<Json>(components.schemas).map(([name, schema]) =>
    [name, ...(schema.enum ?? leaves(schema))].join(' '),
  );
  return { routes, documents: documents.sort() };
}

/** The names of all fields of a JSON Schema: `parent.run`, `links[].url`, `labels{}`, `decision:Decision`. */
function leaves(schema: Json, at = ''): string[] {
  if (schema.$ref !== undefined) return [[at, schema.$ref.split('/').at(-1)].filter(Boolean).join(':')];
  const inner = [
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap(one => leaves(one, at)),
    ...(isSchema(schema.items) ? leaves(schema.items, `${at}[]`) : []),
    ...(isSchema(schema.additionalProperties) ? leaves(schema.additionalProperties, `${at}{}`) : []),
    ...Object.entries<Json>(schema.properties ?? {}).flatMap(([name, one]) =>
      leaves(one, [at, name].filter(Boolean).join('.')),
    ),
  ];
  const found = [...new Set(inner)];
  // An alternative that says nothing more (null) is no field of its own.
  const own = found.filter(name => name !== at || found.length === 1);
  return own.length > 0 ? own : at === '' ? [] : [at];
}

function isSchema(value: unknown): boolean {
  return value !== null && typeof value === 'object' && Object.keys(value).length > 0;
}

interface Union {
  options: readonly { shape: { kind: { values: ReadonlySet<string> } } & object }[];
}

/** The kinds of a union, each with its fields. */
export function kindsOf(union: Union): string[] {
  return union.options.map(({ shape }) =>
    [...shape.kind.values, ...Object.keys(shape).filter(key => key !== 'kind')].join(' '),
  );
}

/** Names that the code reads of the environment, those that stand in it as texts, and what tracing puts together. */
export function environmentNames(): string[] {
  const text = sources();
  const read = [
    ...text.matchAll(/\benv\(\s*'([A-Za-z_]+)'\s*\)/g),
    ...text.matchAll(/\benv(?:\.|\[')([A-Z][A-Z_]+)\b/g),
    ...text.matchAll(/\bread(?:Value)?\((?:\w+, )?'([A-Z]+_[A-Z_]+)'/g),
    ...text.matchAll(/['`]((?:TOCSIN|SLACK|DISCORD|OTEL|DATABASE|REDIS)_[A-Z_]*[A-Z])\b/g),
  ];
  const asked = new Set<string>();
  const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const env = new Proxy<Record<string, string>>(
    {},
    {
      get(_, name) {
        asked.add(String(name));
        return name === endpoint ? 'http://127.0.0.1:4318' : undefined;
      },
    },
  );
  tracingSettings(env);
  return unique([...read.map(match => match[1] ?? ''), ...asked]);
}

/** The spaces in which something is claimed, so that it is done once. */
export function claimSpaces(): string[] {
  // A source claims nothing, and senders have spaces of their own.
  const found = sources('stores', 'sources').matchAll(/\b(?:space:|\w*[sS]pace =) ['`]([^'`]+)['`]/g);
  return unique([...found].map(match => match[1] ?? ''));
}

/** What a duty is called in its lease, asked of every factory of duties. */
function dutyLeases(): string[] {
  const parts: [never, never, string] = [{ tracing: {} } as never, {} as never, '<platform>'];
  const made = Object.values(duties).flatMap(make => (make as (...given: typeof parts) => Duty | Duty[])(...parts));
  return made.map(duty => `duty/${duty.name}`).sort();
}

export interface Traces {
  /** `<table> <columns>`. */
  tables: string[];
  leases: string[];
  cursors: string[];
  /** What the environment of a step's process holds. */
  child: string[];
}

/** What one process leaves behind in its database and gives to the children of its steps. */
export async function tracesOfProcess(): Promise<Traces> {
  const pagerduty = await startPagerDuty();
  const runbook = `
title: Look
risk: none
params: { host: { type: string, pattern: "[a-z]+", default: web } }
steps:
  - { id: own, script: 'tr "\\\\0" "\\\\n" < /proc/$$/environ' }
`;
  const files = { 'tocsin.yaml': config(pagerduty), 'runbooks/look.yaml': runbook, 'policy.yaml': openPolicy };
  // Nobody listens there: what is sent is dropped, but the duty is taken.
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  const app = await startTestApp(files, { env, keep: true });
  try {
    const { body } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'look' } });
    const run = await app.ended(body.id);
    const printed = run.steps[0]?.output as { stdout: string } | undefined;
    const child = (printed?.stdout ?? '').split('\n').flatMap(line => line.split('=')[0] ?? []);
    await app.alert({ alertname: 'Nothing' });
    await app.until(async () => (await app.app.store.posts({ platform: 'console', limit: 10 })).length > 0);
    await app.stop();
    return { ...readDatabase(join(app.folder, 'data', 'tocsin.db')), child: unique(child) };
  } finally {
    await app.stop();
    await pagerduty.close();
    await rm(app.folder, { recursive: true, force: true });
  }
}

const openPolicy = 'rules: [{ name: all, decide: auto }]\n';

function readDatabase(path: string): Omit<Traces, 'child'> {
  const database = new DatabaseSync(path, { readOnly: true });
  const column = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map(row => String(Object.values(row)[0]));
  const tables = column(
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name",
  );
  const read = {
    tables: tables.map(table => [table, ...column(`select name from pragma_table_info('${table}')`)].join(' ')),
    leases: unique([
      ...column('select name from lease').map(name => name.replace(/run_\w+$/, '<id>')),
      ...dutyLeases(),
      // Only nodes of a fleet take one of these.
      ...(sources().includes('`node/${') ? ['node/<number>'] : []),
    ]),
    cursors: unique([
      ...column('select name from cursor'),
      ...[...sources().matchAll(/\bcursorName = '([^']+)'/g)].map(match => match[1] ?? ''),
    ]),
  };
  database.close();
  return read;
}

function unique(names: string[]): string[] {
  return [...new Set(names.filter(name => name !== ''))].sort();
}

/** All code, in one text; `without` leaves out a folder. */
function sources(...without: string[]): string {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !without.some(one => name.startsWith(`${one}/`)))
    .map(name => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n');
}
