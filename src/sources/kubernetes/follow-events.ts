import type { IncomingAlert } from '../../model/event.ts';
import { type Desk, inScope } from './desk.ts';
import type { Options } from './options.ts';
import { endedBy, problemOf, toldByConditions } from './problems.ts';
import type { Follower } from './reflect.ts';
import { kubeEvent } from './shapes.ts';
import { isAfter, readEvent, type Sighting } from './sighting.ts';
import type { Open } from './tracker.ts';

/** Follows the Events of one namespace, or of all. `fresh` is true when nothing was ever read there: what is over then is no news. */
export function followEvents(scope: string | null, fresh: boolean, desk: Desk): Follower {
  const { options, tracker, clock } = desk;
  let first = fresh;

  async function take(event: Read): Promise<IncomingAlert[]> {
    const sighting = problemIn(event, options);
    if (sighting === null) return endsOf(event);
    const told = await tracker.fire(sighting);
    return told === null ? [] : [told];
  }

  /** What is over after this event: about the same container, or about the whole object. */
  function endsOf(event: Read): IncomingAlert[] {
    const containers = event.container === '' ? [''] : [event.container, ''];
    return endedBy(event.reason, options.pods)
      .flatMap(reason => containers.map(container => tracker.find({ ...event, reason, container })))
      .filter(open => open !== undefined && isAfter(event, open))
      .map(open => tracker.end(open as Open, { at: event.last, written: event.written }));
  }

  /** At the very first list: what is over, or was silent for too long, is history. */
  function isHistory(sighting: Sighting, all: readonly Read[]): boolean {
    if (!first) return false;
    if (clock.now() - sighting.last >= options.silence) return true;
    return all.some(event => endsIt(event, sighting, options)) || desk.isOverNow(sighting);
  }

  return {
    async listed(items, version) {
      const all = items.flatMap(item => readIn(item, scope, clock.now()) ?? []);
      all.sort((a, b) => (isAfter(a, b) ? 1 : isAfter(b, a) ? -1 : 0));
      await desk.exclusive(async () => {
        const told: IncomingAlert[] = [];
        for (const event of all) {
          const sighting = problemIn(event, options);
          if (sighting === null || !isHistory(sighting, all)) told.push(...(await take(event)));
        }
        await desk.commit(told, { path: scope, version });
      });
      first = false;
    },
    async changed(changes, version) {
      await desk.exclusive(async () => {
        const told: IncomingAlert[] = [];
        for (const { type, object } of changes) {
          // An Event that is deleted expired: its hour is over.
          const event = type === 'DELETED' ? null : readIn(object, scope, clock.now());
          if (event !== null) told.push(...(await take(event)));
        }
        await desk.commit(told, { path: scope, version });
      });
    },
  };
}

type Read = Omit<Sighting, 'severity'> & { type: string };

/** An Event; null for one that does not parse, is about nothing, or of another namespace. */
function readIn(object: unknown, scope: string | null, now: number): Read | null {
  const parsed = kubeEvent.safeParse(object);
  const found = parsed.success ? readEvent(parsed.data, now) : null;
  if (!parsed.success || found === null || !inScope(parsed.data.metadata.namespace, scope)) return null;
  return { ...found, type: parsed.data.type };
}

/** The sighting, when the event opens or repeats an alert by these options. */
export function problemIn(event: Read, options: Options): Sighting | null {
  if (options.ignore.includes(event.reason)) return null;
  if (event.kind === 'Node' && options.nodes && toldByConditions.has(event.reason)) return null;
  const found = problemOf(event.reason, event.type);
  if (found === null) return null;
  const { type: _, ...sighting } = event;
  return { ...sighting, severity: found.severity };
}

/** True when the event says that the problem is over. */
export function endsIt(event: Omit<Sighting, 'severity'>, problem: Sighting, { pods }: Options): boolean {
  const { kind, namespace, name, container, reason } = problem;
  const same = event.kind === kind && event.namespace === namespace && event.name === name;
  if (!same || (container !== '' && event.container !== container)) return false;
  return endedBy(event.reason, pods).includes(reason) && isAfter(event, problem);
}
