import type { SearchTerm } from '../../model/search/parse.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { StateCount } from '../../ports/store.ts';
import { changePath, gatePath, runPath, type Viewer } from './viewer.ts';

/** The data of the frame around every page. */
export interface FrameData {
  channels: readonly string[];
  openApprovals: number;
  /** Questions of gates that wait for people. */
  gates: number;
  /** Changes that stand and that nobody approved. */
  unpermitted: number;
  firing: number;
  halted: { by: string; reason: string; at: number } | null;
  problems: ReturnType<ChatHost['catalogue']>['problems'];
  fleet: readonly string[];
  troubles: readonly string[];
}

export async function readFrameData(host: ChatHost): Promise<FrameData> {
  const { store } = host;
  const now = host.clock.now();
  const [approvals, gates, held, alerts, halted] = await Promise.all([
    store.countApprovals({ terms: isIn('open'), now }),
    store.countDocuments('gate'),
    store.countDocuments('held'),
    store.countAlerts({ terms: isIn('firing'), now }),
    store.halted(),
  ]);
  return {
    channels: channelsOf(host),
    openApprovals: countOf(approvals, 'open'),
    gates: countOf(gates, 'pending'),
    unpermitted: countOf(held, 'unpermitted'),
    firing: countOf(alerts, 'firing'),
    halted,
    problems: host.catalogue().problems,
    fleet: host.fleet().problems,
    troubles: host.troubles(),
  };
}

function isIn(state: string): SearchTerm[] {
  return [{ kind: 'key', not: false, key: 'state', values: [state] }];
}

function countOf(counts: readonly StateCount[], state: string): number {
  return counts.reduce((sum, one) => sum + (one.state === state ? one.count : 0), 0);
}

/** Channels of the console that the config names, and `alerts`, where everything else is posted. */
export function channelsOf(host: ChatHost): readonly string[] {
  const { routes, fallback } = host.config();
  const routed = [...routes.flatMap(route => route.to), fallback];
  const names = routed.filter(to => to.startsWith('console:')).map(to => to.slice('console:'.length));
  return [...new Set(['alerts', ...names])];
}

export function channelPath(name: string): string {
  return name === 'alerts' ? '/' : `/channels/${encodeURIComponent(name)}`;
}

/** What waits for the one who looks: their number, and a link with the bot's own headline for the newest. */
export interface Waiting {
  count: number;
  items: readonly { id: string; path: string; text: string }[];
}

export const nothingWaits: Waiting = { count: 0, items: [] };

/** So many are named. */
const mostNamed = 5;

export async function readWaiting({ host, who }: Pick<Viewer, 'host' | 'who'>): Promise<Waiting> {
  if (who === null) return nothingWaits;
  const found = [...(await host.overview.waitingFor(who))].reverse();
  const items = await Promise.all(
    found.slice(0, mostNamed).map(async ({ kind, id, run, gate, claim }) => {
      const card = await host.details(kind === 'approval' ? 'approval' : 'run', id);
      const path =
        run !== null
          ? runPath(run)
          : gate !== null
            ? gatePath(gate)
            : claim !== null
              ? changePath(claim)
              : '/approvals';
      return { id, path, text: card?.title ?? 'An approval is open' };
    }),
  );
  return { count: found.length, items };
}
