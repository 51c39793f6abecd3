import type { IncomingAlert } from '../../model/event.ts';
import type { Desk } from './desk.ts';
import type { Health } from './health.ts';
import type { Open } from './tracker.ts';

/** A watch that fails looks as if all were well, so it is an alert of its own. `name` is its path in the API. */
const subject = { kind: 'Watch', namespace: '', reason: 'WatchFailed', container: '' } as const;

/** How long a watch must have failed, milliseconds: an API server that is updated is away for a minute or two. */
const patience = 300_000;

/** True for an alert about a watch, and not about an object of the cluster. */
export function isOfWatch({ kind }: Pick<Open, 'kind'>): boolean {
  return kind === subject.kind;
}

/** What is to be told of these watches: which have failed for too long, and which are well again or not wanted any more. */
export async function tellWatches(
  paths: readonly string[],
  health: Health,
  { tracker, clock }: Desk,
): Promise<IncomingAlert[]> {
  const told: IncomingAlert[] = [];
  const now = clock.now();
  for (const open of [...tracker.open()].filter(isOfWatch)) {
    if (!paths.includes(open.name)) told.push(tracker.end(open, { at: now, noCure: 'it is not watched any more' }));
    else if (health.wellFor(open.name) !== null) told.push(tracker.end(open, { at: now }));
  }
  for (const name of paths) {
    const trouble = health.troubleOf(name);
    if (trouble === null || trouble.for < patience || tracker.find({ ...subject, name }) !== undefined) continue;
    const times = { first: now - trouble.for, last: now, written: now };
    const sighting = { ...subject, ...times, name, uid: '', severity: 'error', count: 1, reporter: 'tocsin' } as const;
    const event = await tracker.fire({ ...sighting, message: trouble.because });
    if (event !== null) told.push(event);
  }
  return told;
}
