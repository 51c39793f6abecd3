import { type ChangeOutcome, type ChangeState, longestChange } from './change.ts';
import type { IncomingChange, IncomingEvent } from './event.ts';
import { boundText, keyOf, labelsOf, titleOf } from './incoming.ts';

type Text = string | null | undefined;

/** A change as a sender tells it, of any length. Null, undefined and blank texts are not known. */
export interface ChangeFacts {
  title: string;
  /** Labels for `match`, as every event has them. */
  labels: Readonly<Record<string, string>>;
  links?: IncomingChange['links'];
  /** When it was done, by the sender's clock, or when it arrived; milliseconds since the epoch. */
  occurredAt: number;
  actor?: { name?: Text; id?: Text; type?: Text } | null;
  action: string;
  resource: { type: string; id: string; name?: Text };
  before?: ToldState | null;
  after?: ToldState | null;
  account?: Text;
  environment?: Text;
  region?: Text;
  address?: Text;
  via?: Text;
  outcome: 'success' | 'unknown' | { error: Text };
  changeId?: Text;
}

/** A digest, or some of the settings. */
export type ToldState = { digest: Text } | { facts: Readonly<Record<string, Text>> };

/** The change within its limits: texts are cut, ids that are too long become their SHA-256, and what is not known is left out. */
export function changeOf(told: ChangeFacts): IncomingChange {
  const { resource, links = [], occurredAt } = told;
  return {
    kind: 'change',
    title: titleOf(told.title),
    labels: labelsOf(told.labels),
    links,
    occurredAt,
    ...named('actor', actorOf(told.actor)),
    action: wordOf(told.action) ?? 'unknown',
    resource: {
      type: wordOf(resource.type) ?? 'unknown',
      id: idOf(resource.id) ?? 'unknown',
      ...named('name', wordOf(resource.name)),
    },
    ...named('before', stateOf(told.before)),
    ...named('after', stateOf(told.after)),
    ...named('account', idOf(told.account)),
    ...named('environment', wordOf(told.environment)),
    ...named('region', wordOf(told.region)),
    ...named('address', wordOf(told.address)),
    ...named('via', wordOf(told.via)),
    outcome: outcomeOf(told.outcome),
    ...named('changeId', idOf(told.changeId)),
  };
}

/** The change that an event of the same delivery tells people of, with its labels, links and time, and its title unless another is given. */
export function changeBeside(
  { title, labels, links, occurredAt }: IncomingEvent,
  told: Omit<ChangeFacts, 'title' | 'labels' | 'links' | 'occurredAt'> & Partial<ChangeFacts>,
): IncomingChange {
  return changeOf({ title, labels, links, occurredAt, ...told });
}

function named<K extends string, V>(name: K, value: V | null): { [P in K]?: V } {
  return value === null ? {} : ({ [name]: value } as { [P in K]: V });
}

function present(told: Text): string | null {
  return told == null || told.trim() === '' ? null : told.trim();
}

/** A database may refuse NUL. */
function bounded(told: Text, max: number): string | null {
  const text = present(told);
  return text === null ? null : boundText(text.replaceAll('\0', '\uFFFD'), max);
}

function wordOf(told: Text): string | null {
  return bounded(told, longestChange.word);
}

function idOf(told: Text): string | null {
  const text = present(told);
  return text === null ? null : keyOf(text);
}

function actorOf(told: ChangeFacts['actor']): NonNullable<IncomingChange['actor']> | null {
  const name = wordOf(told?.name) ?? wordOf(told?.id);
  return name === null ? null : { name, ...named('id', idOf(told?.id)), ...named('type', wordOf(told?.type)) };
}

function stateOf(told: ToldState | null | undefined): ChangeState | null {
  if (told == null) return null;
  if ('digest' in told) {
    const digest = idOf(told.digest);
    return digest === null ? null : { as: 'digest', digest };
  }
  const facts: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(told.facts)) {
    const text = bounded(value, longestChange.fact);
    if (text === null || name === '__proto__') continue;
    if (Object.keys(facts).length === longestChange.facts) break;
    facts[boundText(name, longestChange.factName)] = text;
  }
  return Object.keys(facts).length === 0 ? null : { as: 'facts', facts };
}

function outcomeOf(told: ChangeFacts['outcome']): ChangeOutcome {
  if (typeof told === 'string') return { state: told };
  return { state: 'failure', ...named('error', bounded(told.error, longestChange.error)) };
}
