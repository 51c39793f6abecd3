import { messageOf } from '../../kernel/errors.ts';
import type { DoorName } from '../../model/gates/doors.ts';
import { askThrough, type DoorParts } from './doors.ts';

export interface Polling {
  /** Why the last look failed, by door. */
  trouble(): Record<string, string>;
  stop(): Promise<void>;
}

const names: readonly DoorName[] = ['github', 'gitlab', 'terraform'];
/** How often gates.yaml is looked at for a door that is not there, or has nothing to look for, milliseconds. */
const idle = 60_000;

/** Asks what no delivery brought, at once after a start and then as often as each door says. */
export function startPolling(parts: DoorParts): Polling {
  const end = new AbortController();
  const trouble = new Map<string, string>();

  async function look(name: DoorName): Promise<number> {
    const door = parts.door(name);
    if (door?.missed === undefined || door.pace.poll === null) return idle;
    try {
      const found = await door.missed();
      for (const question of found) if (!end.signal.aborted) await askThrough(name, door, question, parts);
      trouble.delete(name);
    } catch (error) {
      trouble.set(name, messageOf(error));
      parts.log.warn(
        { door: name, reason: messageOf(error) },
        'a door could not be looked through for questions that did not arrive',
      );
    }
    return door.pace.poll;
  }

  async function loop(name: DoorName): Promise<void> {
    while (!end.signal.aborted) await parts.clock.sleep(await look(name), end.signal).catch(() => {});
  }

  const looping = names.map(loop);
  return {
    trouble: () => Object.fromEntries(trouble),
    async stop() {
      end.abort();
      await Promise.all(looping);
    },
  };
}
