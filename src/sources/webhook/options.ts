import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { headerMap, makeScope } from '../../model/expression/expression.ts';
import type { Delivery } from '../../ports/source.ts';
import { auth } from './auth.ts';
import { celIn, constantOf, isConstant, wordMap } from './cel.ts';
import { isCharset } from './charset.ts';
import { quietOption, quietText } from './sender.ts';
import { readTime } from './times.ts';
import { allStates, permitStateOf, permitStates, severityNames, stateNames, stateOf } from './words.ts';

/** The data that the expressions of a mapping can read. */
export interface Facts {
  body: unknown;
  item: unknown;
  headers: Delivery['headers'];
}

const nothing: Facts = { body: null, item: null, headers: {} };

/** `body` and `item` are CEL values with maps (toCel), because a body may have any key, also `constructor`. */
const scope = makeScope<Facts>({
  name: 'webhook',
  variables: { body: 'dyn', item: 'dyn', headers: 'map<string, string>' },
  open: true,
  bind: facts => ({ body: facts.body, item: facts.item, headers: headerMap(facts.headers) }),
});

const cel = celIn(scope, 'body, item (one element of each) and headers');

const texts = (description: string) => z.record(z.string().min(1), cel('text', description)).default({});

const permit = z.strictObject({
  principal: cel('text', 'Who may do it, by the name that changes carry.'),
  actions: cel(
    'json',
    'What may be done, a text or a list; * stands for any characters. Anything when left out.',
  ).optional(),
  resources: cel('json', 'On what, a text or a list; * stands for any characters. Anything when left out.').optional(),
  account: cel('text', 'In which account or cluster.').optional(),
  region: cel('text', 'In which region.').optional(),
  environment: cel('text', 'In which environment.').optional(),
  from: cel('json', 'From when, in the forms of startsAt; from its arrival on when left out.').optional(),
  until: cel('json', 'Until when, in the forms of startsAt.'),
  change: cel('text', 'The ticket that it stands for; the fingerprint when left out.').optional(),
  reason: cel('text', 'Why, for people; the title when left out.').optional(),
});

const map = z.strictObject({
  kind: z
    .literal('permit')
    .optional()
    .meta({ description: 'permit: the source tells what was approved elsewhere, under permit. Alerts when left out.' }),
  permit: permit.optional().meta({ description: 'What is permitted, with kind: permit.' }),
  each: cel(
    'json',
    'A list: one event is made of each element, and a bad element is told and left out. With ndjson each line is one already.',
  ).optional(),
  fingerprint: cel('text', 'The identity of the condition, the same when it resolves.'),
  state: cel(
    'text',
    'firing, resolved, acknowledged, unacknowledged, or notice for what opens no alert; or a word of Nagios, Icinga, Zabbix or collectd, or of states. Of a permit: open, ended, or notice for what is none.',
  ),
  title: cel('text', 'One line for people.'),
  severity: cel('text', 'critical, error, warning or info, or a word that means one of them.').optional(),
  labels: texts('The value of the label; null and the empty text leave it out.'),
  annotations: texts('The value of the annotation; null and the empty text leave it out.'),
  links: texts('An address; one that is not http or https is left out.'),
  startsAt: cel(
    'json',
    'When it began: RFC 3339, RFC 2822 with a zone, or seconds or milliseconds since the epoch. When it is left out: map.at, else the arrival.',
  ).optional(),
  at: cel(
    'json',
    "When this news was made, by the sender's clock, in the forms of startsAt: older news than what is known changes nothing.",
  ).optional(),
  by: cel('text', 'Who acknowledged it, or took that back.').optional(),
});

const declared = z.strictObject({
  auth: auth.optional().meta({
    description: 'How the sender proves itself. Without it nothing that it sends leads to auto.',
  }),
  format: z.enum(['json', 'form', 'ndjson', 'text']).default('json').meta({
    description:
      'What the body is, whatever its Content-Type says: json; form (body is a map of its fields); ndjson (one JSON document a line); text (body is the text).',
  }),
  charset: z
    .string()
    .refine(isCharset, 'is not a charset; write latin1, windows-1252, utf-16, shift_jis or another of the WHATWG')
    .optional()
    .meta({ description: 'What a body is in that is not UTF-8 and whose Content-Type names no charset, e.g. latin1.' }),
  deliveryId: cel('text', "The sender's id of the delivery: a second one with the same id is dropped.").optional(),
  map,
  states: wordMap(allStates, "The sender's words for states, in any case: {PROBLEM: firing, CLEARED: resolved}."),
  severities: wordMap(severityNames, "The sender's words for severities, in any case: {DOWN: critical}."),
  stretch: z.literal('startsAt').optional().meta({
    description:
      'startsAt: map.startsAt names the stretch of firing, so a later one is a new episode although no resolve came. Not for a start that changes while it fires.',
  }),
  repeatInterval: duration.prefault('4h').meta({
    description: 'How often the sender repeats an alert that fires; after three times without news Tocsin says so.',
  }),
  quiet: quietOption.optional().meta({
    description: `For a sender that tells no end: ${quietText}`,
  }),
  reopenAfter: duration.prefault('15s').meta({
    description: 'How long an alert that fires again after its resolve, with the same start, asks nobody.',
  }),
});

export const options = declared.superRefine((given, ctx) => {
  const problem = (path: string[], message: string) => ctx.addIssue({ code: 'custom', path, message });
  if (given.stretch !== undefined && given.map.startsAt === undefined) {
    problem(['stretch'], 'needs map.startsAt, because an arrival names no stretch');
  }
  if (given.reopenAfter > given.repeatInterval) problem(['reopenAfter'], 'must not be longer than repeatInterval');
  for (const [name, expression] of [
    ['startsAt', given.map.startsAt],
    ['at', given.map.at],
  ] as const) {
    if (expression === undefined || !isConstant(expression)) continue;
    const value = constantOf(expression, nothing);
    if (value === undefined || readTime(value) === 'unreadable')
      problem(['map', name], 'is always the same, and no time');
  }
  const { state, kind } = given.map;
  if ((kind === 'permit') !== (given.map.permit !== undefined))
    problem(['map', kind === undefined ? 'permit' : 'kind'], 'kind: permit and permit: {...} are written together');
  const [read, names] = kind === 'permit' ? [permitStateOf, permitStates] : [stateOf, stateNames];
  if (isConstant(state) && read(constantOf(state, nothing) ?? '', given.states) === null) {
    problem(['map', 'state'], `is always the same, and no state; write ${names.join(', ')}`);
  }
});
export type Options = z.infer<typeof options>;
