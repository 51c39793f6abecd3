import { openGitHub } from '../doors/github.ts';
import { openGitLab } from '../doors/gitlab.ts';
import { openTerraform } from '../doors/terraform.ts';
import { perform } from '../flow/acts/act.ts';
import type { ActParts } from '../flow/acts/parts.ts';
import type { DoorParts } from '../flow/doors/doors.ts';
import type { Clock } from '../kernel/clock.ts';
import { createLazyEgress, type LazyEgress } from '../kernel/egress/lazy.ts';
import type { Log } from '../kernel/log.ts';
import type { DoorName, ServiceDoors } from '../model/gates/doors.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { DoorConnection, DoorHost } from '../ports/door.ts';

/** The largest answer, bytes: a page of a hundred deliveries has to fit. */
const largestAnswer = 4 * 1024 * 1024;

/** The doors of gates.yaml, opened when first needed and again when their options change. */
interface OpenDoors {
  of: DoorParts['door'];
  close(): Promise<void>;
}

/** The doors, and what asks through them and tells the answers. */
export function createDoors({
  acts,
  address,
  ...parts
}: Omit<DoorParts, 'door' | 'act' | 'linkTo'> & {
  catalogue: Pick<Catalogue, 'current'>;
  acts: ActParts;
  /** Where the pages are that they link to, which is known later. */
  address: { url: string };
}): { doors: OpenDoors; doorParts: DoorParts } {
  const doors = openDoors(parts);
  const doorParts: DoorParts = {
    ...parts,
    door: doors.of,
    act: (who, act) => perform(who, act, acts),
    linkTo: gate => `${address.url}/gate/${encodeURIComponent(gate.id)}`,
  };
  return { doors, doorParts };
}

function openDoors(parts: { catalogue: Pick<Catalogue, 'current'>; clock: Clock; log: Log }): OpenDoors {
  const opened = new Map<DoorName, { text: string; connection: DoorConnection; egress: LazyEgress }>();
  const closing = new AbortController();

  function open(name: DoorName, doors: ServiceDoors): { connection: DoorConnection; egress: LazyEgress } {
    const hosts = addressesOf(name, doors).map(address => new URL(address).host);
    // Named by gates.yaml, never by a delivery: a server of one's own may well lie in a private range.
    const egress = createLazyEgress(() => ({ allow: hosts, private: hosts, maxBody: largestAnswer }));
    const host: DoorHost = {
      clock: parts.clock,
      log: parts.log.child({ door: name }),
      fetch: (input, init) => {
        const signals = [closing.signal, ...(init?.signal == null ? [] : [init.signal])];
        return egress.fetch(input, { ...init, signal: AbortSignal.any(signals) });
      },
    };
    return { egress, connection: connect(name, doors, host) };
  }

  return {
    of(name) {
      const { doors } = parts.catalogue.current();
      const known = opened.get(name);
      const options = doors[name];
      const text = options === undefined ? '' : JSON.stringify(options);
      if (known?.text === text) return known.connection;
      // Requests with the old options may end; no new ones begin with them.
      void known?.egress.close();
      opened.delete(name);
      if (options === undefined) return null;
      const made = open(name, doors);
      opened.set(name, { text, ...made });
      return made.connection;
    },
    async close() {
      closing.abort(new Error('Tocsin is stopping'));
      await Promise.all([...opened.values()].map(one => one.egress.close()));
    },
  };
}

function addressesOf(name: DoorName, { github, gitlab, terraform }: ServiceDoors): string[] {
  if (name === 'terraform') return terraform?.urls ?? [];
  const url = name === 'github' ? github?.url : gitlab?.url;
  return url === undefined ? [] : [url];
}

function connect(name: DoorName, { github, gitlab, terraform }: ServiceDoors, host: DoorHost): DoorConnection {
  if (name === 'github' && github !== undefined) return openGitHub(github, host);
  if (name === 'gitlab' && gitlab !== undefined) return openGitLab(gitlab, host);
  if (terraform === undefined) throw new Error(`gates.yaml has no door ${name}`);
  return openTerraform(terraform, host);
}
