import type { Clock } from '../../kernel/clock.ts';
import { showDuration } from '../../kernel/duration.ts';
import type { Subject } from './subjects.ts';

/** The clock skew between this machine and a server, milliseconds; positive when this machine is ahead. */
export interface Skew {
  host: string;
  ms: number;
}

/** Milliseconds. Slack refuses signed requests at five minutes, and times of approvals, silences and windows are wrong by the skew. */
const tolerable = 5_000;
const bad = 60_000;

/** A `fetch` that records the clock skew from the `Date` of each answer, which has whole seconds. */
export function measuredFetch(clock: Clock): { fetch: typeof fetch; skews(): readonly Skew[] } {
  const skews = new Map<string, number>();
  return {
    async fetch(input, init) {
      const before = clock.now();
      const answer = await fetch(input, init);
      const date = Date.parse(answer.headers.get('date') ?? '');
      const middle = (before + clock.now()) / 2;
      if (Number.isFinite(date))
        skews.set(new URL(answer.url || String(input)).host, Math.round(middle - (date + 500)));
      return answer;
    },
    skews: () => [...skews].map(([host, ms]) => ({ host, ms })),
  };
}

/** Reports the smallest skew, because servers' own clocks may be wrong, but hardly all in the same way. */
export function checkClock(skews: readonly Skew[]): Subject {
  const nearest = [...skews].sort((a, b) => Math.abs(a.ms) - Math.abs(b.ms))[0];
  if (nearest === undefined) return { title: 'clock', findings: [] };
  const off = Math.abs(nearest.ms);
  const what = `this machine's clock, by ${nearest.host}`;
  if (off <= tolerable) return { title: 'clock', findings: [{ what, state: 'ok' }] };
  const because = `it is ${showDuration(off)} ${nearest.ms > 0 ? 'ahead' : 'behind'}`;
  const remedy = 'Let the machine follow a time server (chrony, systemd-timesyncd): timedatectl shows whether it does.';
  return { title: 'clock', findings: [{ what, state: off > bad ? 'bad' : 'warning', because, remedy }] };
}
