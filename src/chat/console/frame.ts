import { messageOf } from '../../kernel/errors.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { type FrameData, nothingWaits, readFrameData, readWaiting, type Waiting } from './frame-data.ts';
import { renderBanners } from './layout.ts';
import { renderNav, renderWaiting } from './side.ts';
import type { FrameRegions } from './stream.ts';
import type { Viewer } from './viewer.ts';

/** The frame around every page, read once for all open pages until something changes. */
export interface Frame {
  read(): Promise<FrameData>;
  /** What waits for the one who looks. Never rejects: a page without it is better than none. */
  waiting(viewer: Viewer): Promise<Waiting>;
  /** As regions of a page whose place in the navigation is `here`. */
  regions(here: string): FrameRegions;
  /** Invalidates the cache after a change. */
  stale(): void;
}

export function createFrame(host: ChatHost): Frame {
  let known: Promise<FrameData> | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  /** The longest that the frame is cached, milliseconds, because files change without a commit. */
  const longest = 5000;
  const read = () => {
    const now = host.clock.monotonic();
    if (known === null || now - readAt > longest) {
      readAt = now;
      known = readFrameData(host);
      known.catch(() => {
        known = null;
      });
    }
    return known;
  };
  /** By person, each as old as its time of reading. */
  let waits = new Map<string, { at: number; found: Promise<Waiting> }>();
  const waiting = (viewer: Viewer) => {
    if (viewer.who?.kind !== 'person') return Promise.resolve(nothingWaits);
    const now = host.clock.monotonic();
    const before = waits.get(viewer.who.id);
    if (before !== undefined && now - before.at <= longest) return before.found;
    const found = readWaiting(viewer).catch(error => {
      host.log.warn({ reason: messageOf(error) }, 'what waits for a person could not be read');
      return nothingWaits;
    });
    waits.set(viewer.who.id, { at: now, found });
    return found;
  };
  return {
    read,
    waiting,
    stale() {
      known = null;
      waits = new Map();
    },
    regions: here => [
      { id: 'nav', render: async () => renderNav(await read(), here) },
      { id: 'for-me', render: async viewer => renderWaiting(await waiting(viewer)) },
      { id: 'banners', render: async viewer => renderBanners(await read(), viewer) },
    ],
  };
}
