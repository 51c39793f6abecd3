import { mayDo, waitingFor } from '../../flow/acts/may.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { CheckedPart, Overview, StatusView } from '../../ports/overview.ts';
import type { Base } from '../base.ts';
import { checkClock, measuredFetch } from './clock.ts';
import { readPeople } from './people.ts';
import { readSchedules } from './schedules.ts';
import { checkPlatforms, checkSources } from './subjects.ts';
import { createTestReader } from './tests.ts';

/** How this node is, as `/readyz` says it. */
export interface NodeHealth {
  version: string;
  parts(): Promise<Record<string, string | null>>;
  ready(parts: Readonly<Record<string, string | null>>): boolean;
  draining(): boolean;
  work(): { busy: number; places: number };
}

/** What the console's pages about the house itself read. */
export function createOverview(base: Base, health: NodeHealth): Overview {
  /** Checks ask other services, so that one round at a time is under way, and its result is given to all who ask meanwhile. */
  let checking: Promise<readonly CheckedPart[]> | null = null;
  return {
    waitingFor: who => waitingFor(who, base.acts),
    people: () => readPeople(base),
    mayDo: (person, about) => mayDo(person, about, base.acts),
    schedules: () => readSchedules(base),
    status: () => readStatus(base, health),
    checks() {
      checking ??= runChecks(base).finally(() => {
        checking = null;
      });
      return checking;
    },
    tests: createTestReader(base),
  };
}

async function readStatus(base: Base, health: NodeHealth): Promise<StatusView> {
  const parts = await health.parts().catch(error => ({ health: messageOf(error) }));
  return {
    version: health.version,
    ready: health.ready(parts),
    draining: health.draining(),
    parts,
    node: base.holder,
    nodes: base.fleet.nodes?.list() ?? [],
    problems: base.fleet.nodes?.problems() ?? [],
    dispatcher: base.dispatcher.id,
    store: base.store.id,
    work: health.work(),
  };
}

/** What `tocsin doctor` checks and what can be checked from inside: platforms, sources and origins, and the clock by their answers. */
async function runChecks({ catalogue, clock, options, shelves }: Base): Promise<readonly CheckedPart[]> {
  const measured = measuredFetch(clock);
  const signal = new AbortController().signal;
  const tools = { catalogue, clock, env: options.env, signal, fetch: measured.fetch, platforms: shelves.chat };
  const [platforms, sources] = await Promise.all([checkPlatforms(tools), checkSources(tools)]);
  const all = [...platforms, ...sources, checkClock(measured.skews())];
  return all.filter(({ findings }) => findings.length > 0);
}
