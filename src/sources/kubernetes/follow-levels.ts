import type { IncomingAlert } from '../../model/event.ts';
import { type Desk, goneText, inScope } from './desk.ts';
import { levels } from './problems.ts';
import type { StateFollower } from './reflect.ts';
import { kubeObject } from './shapes.ts';
import { type LevelSighting, readLevels } from './sighting.ts';

/** Follows the conditions of nodes or Deployments: they open alerts and end them. */
export function followLevels(kind: 'Node' | 'Deployment', scope: string | null, desk: Desk): StateFollower {
  const { tracker, clock, options } = desk;
  const reasons = levels.filter(level => level.kind === kind).map(level => level.reason);
  const waiting = new Map<string, { name: string; found: LevelSighting }>();

  /** What an object shows now: what fires and was not told, and what is over. */
  async function compare(
    object: { name: string; namespace: string },
    found: readonly LevelSighting[],
  ): Promise<IncomingAlert[]> {
    const told: IncomingAlert[] = [];
    const id = `${object.namespace}/${object.name}`;
    for (const reason of reasons) {
      const key = `${id}/${reason}`;
      const one = found.find(({ sighting }) => sighting.reason === reason);
      waiting.delete(key);
      const open = tracker.find({ kind, ...object, reason, container: '' });
      if (one === undefined) {
        if (open !== undefined) told.push(tracker.end(open, { at: clock.now() }));
      } else if (!options.ignore.includes(reason)) {
        if (clock.now() - one.sighting.last >= one.hold || open !== undefined) {
          const event = await tracker.fire(one.sighting);
          if (event !== null) told.push(event);
        } else waiting.set(key, { name: id, found: one });
      }
    }
    return told;
  }

  function gone(is: (id: string) => boolean): IncomingAlert[] {
    for (const [key, { name }] of waiting) if (is(name)) waiting.delete(key);
    return [...tracker.open()]
      .filter(open => open.kind === kind && reasons.includes(open.reason) && inScope(open.namespace, scope))
      .filter(open => is(`${open.namespace}/${open.name}`))
      .map(open => tracker.end(open, { at: clock.now(), noCure: goneText(kind) }));
  }

  return {
    async listed(items) {
      await desk.exclusive(async () => {
        const told: IncomingAlert[] = [];
        const there = new Set<string>();
        for (const item of items) {
          const object = kubeObject.safeParse(item);
          if (!object.success) continue;
          const { name, namespace } = object.data.metadata;
          there.add(`${namespace}/${name}`);
          told.push(...(await compare({ name, namespace }, readLevels(kind, object.data, clock.now()))));
        }
        told.push(...gone(id => !there.has(id)));
        await desk.commit(told);
      });
    },
    async changed(changes) {
      if (changes.length === 0) return;
      await desk.exclusive(async () => {
        const told: IncomingAlert[] = [];
        for (const { type, object } of changes) {
          const parsed = kubeObject.safeParse(object);
          if (!parsed.success) continue;
          const { name, namespace } = parsed.data.metadata;
          if (type === 'DELETED') told.push(...gone(id => id === `${namespace}/${name}`));
          else told.push(...(await compare({ name, namespace }, readLevels(kind, parsed.data, clock.now()))));
        }
        await desk.commit(told);
      });
    },
    async sweep() {
      const due = [...waiting].filter(([, { found }]) => clock.now() - found.sighting.last >= found.hold);
      const told: IncomingAlert[] = [];
      for (const [key, { found }] of due) {
        waiting.delete(key);
        const event = await tracker.fire(found.sighting);
        if (event !== null) told.push(event);
      }
      return told;
    },
  };
}
