import type { ChatHost } from '../../ports/chat.ts';
import { readSurroundings, renderBanners, renderNav, type Surroundings } from './layout.ts';
import type { Ambient } from './stream.ts';

/** What stands around every page, read once for all open pages until something changes. */
export interface Ambience {
  read(): Promise<Surroundings>;
  /** As regions of a page whose place in the navigation is `here`. */
  regions(here: string): Ambient;
  /** Something changed: read again. */
  stale(): void;
}

export function createAmbience(host: ChatHost): Ambience {
  let known: Promise<Surroundings> | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  /** Files change without a commit, so nothing is believed for longer than this. */
  const longest = 5000;
  const read = () => {
    const now = host.clock.monotonic();
    if (known === null || now - readAt > longest) {
      readAt = now;
      known = readSurroundings(host);
      known.catch(() => {
        known = null;
      });
    }
    return known;
  };
  return {
    read,
    stale() {
      known = null;
    },
    regions: here => [
      { id: 'nav', render: async () => renderNav(await read(), here) },
      { id: 'banners', render: async visit => renderBanners(await read(), visit) },
    ],
  };
}
