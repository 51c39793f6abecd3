import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Environment } from '@marcbachmann/cel-js';
import type { Json } from '../../kernel/canonical.ts';
import type { Actor } from '../actor.ts';
import { nameOf } from '../actor.ts';
import type { Alert } from '../alert.ts';
import type { Risk, TriggerKind } from '../decision.ts';
import type { Event } from '../event.ts';
import { declareCalls } from './declare.ts';
import { alertValue, eventValue, record, toCel } from './values.ts';

/** The variables that an expression may use, with their types and the function that binds them to the caller's data. */
export interface Scope<V> {
  name: string;
  environment: Environment;
  variables: Readonly<Record<string, string>>;
  /** Fields of the named types, for suggestions in errors. */
  types: Readonly<Record<string, Readonly<Record<string, string>>>>;
  bind(variables: V): Record<string, unknown>;
  /** True for data without a declared schema, such as the body of a webhook. */
  open: boolean;
}

export const time = 'google.protobuf.Timestamp';
export const labelsType = 'map<string, string>';

const changeActorFields = { name: 'string', id: 'string', type: 'string' };
const changeResourceFields = { type: 'string', id: 'string', name: 'string' };
const changeStateFields = { digest: 'string', facts: labelsType };
const changeFields = {
  actor: 'ChangeActor',
  action: 'string',
  resource: 'ChangeResource',
  before: 'ChangeState',
  after: 'ChangeState',
  account: 'string',
  environment: 'string',
  outcome: 'string',
  error: 'string',
  id: 'string',
};

const eventFields = {
  id: 'string',
  source: 'string',
  kind: 'string',
  title: 'string',
  severity: 'string',
  state: 'string',
  fingerprint: 'string',
  labels: labelsType,
  annotations: labelsType,
  trusted: 'bool',
  schedule: 'string',
  type: 'string',
  change: 'Change',
  startsAt: time,
  occurredAt: time,
  receivedAt: time,
};

const alertFields = {
  id: 'string',
  source: 'string',
  fingerprint: 'string',
  title: 'string',
  severity: 'string',
  state: 'string',
  labels: labelsType,
  annotations: labelsType,
  trusted: 'bool',
  episode: 'int',
  count: 'int',
  acknowledgedBy: 'string',
  startsAt: time,
  firstSeen: time,
  lastSeen: time,
};

/** Limits of one expression: far above what people write, and low enough to keep evaluation cheap. */
const limits = { maxAstNodes: 600, maxDepth: 40, maxListElements: 300, maxMapEntries: 100, maxCallArguments: 8 };

/** Each uses only types that come before it. */
const commonTypes = {
  ChangeActor: changeActorFields,
  ChangeResource: changeResourceFields,
  ChangeState: changeStateFields,
  Change: changeFields,
  Event: eventFields,
  Alert: alertFields,
};

const base = declareCalls(
  new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, limits }),
);
for (const [name, fields] of Object.entries(commonTypes)) base.registerType(name, { fields });

type Types = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Makes a scope. A type in `types` may use only types that come before it. */
export function makeScope<V>(parts: {
  name: string;
  variables: Record<string, string>;
  types?: Types;
  /** Methods that only this scope has, as declarations; the evaluator has them under the same names. */
  methods?: readonly string[];
  open?: boolean;
  bind(variables: V): Record<string, unknown>;
}): Scope<V> {
  const environment = base.clone();
  for (const [name, fields] of Object.entries(parts.types ?? {})) environment.registerType(name, { fields });
  for (const [name, type] of Object.entries(parts.variables)) environment.registerVariable(name, type);
  for (const method of parts.methods ?? [])
    environment.registerFunction(method, () => {
      throw new Error('the check of types evaluates nothing');
    });
  return {
    name: parts.name,
    environment,
    variables: parts.variables,
    types: { ...commonTypes, ...parts.types },
    bind: parts.bind,
    open: parts.open ?? false,
  };
}

export interface EventFacts {
  event: Event;
  alert: Alert | null;
}
export interface RouteFacts {
  event: Event | null;
  alert: Alert | null;
}
export interface PolicyFacts {
  event: Event | null;
  alert: Alert | null;
  runbook: { id: string; title: string; risk: Risk };
  params: Readonly<Record<string, Json>>;
  targets: readonly string[];
  actor: Actor;
  trigger: TriggerKind;
  /** Milliseconds since the epoch. */
  now: number;
  history: { runsLastHour: number; failuresLastHour: number };
}
const seen = { event: 'Event', alert: 'Alert', labels: labelsType, annotations: labelsType };

function bindSeen({ event, alert }: RouteFacts) {
  const { fields, value } = eventValue(event, alert);
  return { fields, bound: { event: value, alert: alertValue(alert), labels: fields.labels } };
}

const short = { source: 'string', title: 'string', severity: 'string', state: 'string' };

function bindShort(facts: RouteFacts): Record<string, unknown> {
  const { fields, bound } = bindSeen(facts);
  const { annotations, source, title, severity, state } = fields;
  return { ...bound, annotations, source, title, severity, state };
}

const event = makeScope<EventFacts>({ name: 'event', variables: { ...seen, ...short }, bind: bindShort });

const route = makeScope<RouteFacts>({ name: 'route', variables: { ...seen, ...short }, bind: bindShort });

export const actorFields = { kind: 'string', id: 'string', via: 'string', name: 'string' };

export function actorValue(actor: Actor) {
  const via = 'via' in actor ? actor.via : actor.id;
  return record({ kind: actor.kind, id: actor.id, via, name: nameOf(actor) });
}

/** All rules of a policy look at the same facts. */
const boundPolicy = new WeakMap<PolicyFacts, Record<string, unknown>>();

const policy = makeScope<PolicyFacts>({
  name: 'policy',
  types: {
    RunbookFacts: { id: 'string', title: 'string', risk: 'string' },
    ActorFacts: actorFields,
    HistoryFacts: { runsLastHour: 'int', failuresLastHour: 'int' },
  },
  variables: {
    event: 'Event',
    alert: 'Alert',
    labels: labelsType,
    runbook: 'RunbookFacts',
    // Parameters differ between runbooks, so their types are known only at evaluation.
    params: 'map<string, dyn>',
    targets: 'list<string>',
    actor: 'ActorFacts',
    trigger: 'string',
    now: time,
    history: 'HistoryFacts',
  },
  bind: facts => {
    const known = boundPolicy.get(facts);
    if (known !== undefined) return known;
    const bound = {
      ...bindSeen(facts).bound,
      runbook: record(facts.runbook),
      params: toCel(facts.params as Json),
      targets: facts.targets,
      actor: actorValue(facts.actor),
      trigger: facts.trigger,
      now: timestampFromMs(facts.now),
      history: record({
        runsLastHour: BigInt(facts.history.runsLastHour),
        failuresLastHour: BigInt(facts.history.failuresLastHour),
      }),
    };
    boundPolicy.set(facts, bound);
    return bound;
  },
});

/** The named scopes. The scope of a runbook is made from its parameters and steps. */
export const scopes = { event, route, policy } as const;
export type ScopeName = keyof typeof scopes;
