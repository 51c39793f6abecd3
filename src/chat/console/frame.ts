import type { ChatHost } from '../../ports/chat.ts';
import { type FrameData, readFrameData, renderBanners, renderNav } from './layout.ts';
import type { FrameRegions } from './stream.ts';

/** The frame around every page, read once for all open pages until something changes. */
export interface Frame {
  read(): Promise<FrameData>;
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
  return {
    read,
    stale() {
      known = null;
    },
    regions: here => [
      { id: 'nav', render: async () => renderNav(await read(), here) },
      { id: 'banners', render: async viewer => renderBanners(await read(), viewer) },
    ],
  };
}
