import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';

/** The most elements of one delivery; each makes an event. */
export const mostElements = 1000;

/** The most bad elements that are named; the rest is counted. */
const mostNamed = 10;

/** An element, and the place of an error in it as people read it. */
export interface Element<Item> {
  item: Item;
  placeOf(at: string | undefined): string;
}

/**
 * What the good elements make, and a notice that names the bad ones; null when there is none. `badLines` are the places of what was bad
 * before. Throws TocsinError `bad-body` when none is good.
 */
export function makeEach<Item, Made>(
  elements: readonly Element<Item>[],
  badLines: readonly string[],
  make: (item: Item) => Made,
  delivery: Delivery,
): { made: Made[]; leftOut: IncomingEvent | null } {
  const made: Made[] = [];
  const bad = [...badLines];
  let first: TocsinError | null = null;
  for (const { item, placeOf } of elements) {
    try {
      made.push(make(item));
    } catch (error) {
      if (!isCode(error, 'bad-body')) throw error;
      const at = placeOf(error.at);
      first ??= new TocsinError('bad-body', { ...factsOf(error), at });
      bad.push(at);
    }
  }
  if (first !== null && made.length === 0) throw first;
  return { made, leftOut: bad.length === 0 ? null : leftOut(bad, elements.length + badLines.length, delivery) };
}

function factsOf({ message, allowed, given, remedy, cause }: TocsinError) {
  return {
    message,
    remedy,
    cause,
    ...(allowed === undefined ? {} : { allowed }),
    ...(given === undefined ? {} : { given }),
  };
}

function leftOut(bad: readonly string[], all: number, delivery: Delivery): IncomingEvent {
  const named = bad.slice(0, mostNamed).join(', ');
  const more = bad.length > mostNamed ? ` and ${bad.length - mostNamed} more` : '';
  return {
    kind: 'notice',
    type: 'left-out',
    title: titleOf(`${bad.length} of ${all} elements could not be taken: ${named}${more}`),
    labels: {},
    links: [],
    occurredAt: delivery.at,
  };
}
