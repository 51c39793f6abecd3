import type { ChangeState } from '../../model/change.ts';
import type { Event, IncomingChange } from '../../model/event.ts';
import { streamOf } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import type { Store } from '../../ports/store.ts';

export type ChangeEvent = Event & { body: IncomingChange };

/** How many earlier changes of the same thing are looked at for what stood there before. */
const mostLooked = 100;

/** What stood by right: an undo never leads back to what nothing permitted. */
const rightful: ReadonlySet<Held['state']> = new Set(['permitted', 'known', 'claimed', 'break-glass']);

/**
 * The change as it was told. Where its sender does not tell what stood there before, that is what the last rightful changes of the same thing
 * made of it, as the same source told them. Null when it is not in the journal any more.
 */
export async function changeEventOf(held: Held, store: Store): Promise<ChangeEvent | null> {
  const told = await toldOf(held, store);
  if (told === null || told.body.before !== undefined || told.body.after === undefined) return told;
  const before = await earlierState(held, told.body.after, store);
  return before === null ? told : { ...told, body: { ...told.body, before } };
}

async function toldOf({ event }: Held, store: Store): Promise<ChangeEvent | null> {
  const [entry] = await store.stream(streamOf.event(event));
  if (entry?.fact.kind !== 'event.accepted') return null;
  const { body } = entry.fact.event;
  return body.kind === 'change' ? { ...entry.fact.event, body } : null;
}

/** Of settings, those that the change touched, each as it was made last. */
async function earlierState(held: Held, after: ChangeState, store: Store): Promise<ChangeState | null> {
  const query = { other: held.resource, upTo: held.occurredAt - 1, limit: mostLooked };
  const found = (await store.documents('held', query)).filter(one => isEarlier(one, held));
  const facts: Record<string, string> = Object.create(null);
  const wanted = after.as === 'facts' ? Object.keys(after.facts) : [];
  for (const one of found) {
    const was = (await toldOf(one, store))?.body.after;
    if (was === undefined || was.as !== after.as) continue;
    if (was.as === 'digest') return was;
    for (const name of wanted) {
      const value = Object.hasOwn(was.facts, name) ? was.facts[name] : undefined;
      if (value !== undefined && !Object.hasOwn(facts, name)) facts[name] = value;
    }
    if (wanted.every(name => Object.hasOwn(facts, name))) break;
  }
  return Object.keys(facts).length === 0 ? null : { as: 'facts', facts };
}

function isEarlier(one: Held, held: Held): boolean {
  return (
    one.id !== held.id &&
    one.trusted &&
    one.outcome === 'success' &&
    one.source === held.source &&
    one.account === held.account &&
    one.resource === held.resource &&
    rightful.has(one.state)
  );
}
