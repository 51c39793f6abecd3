import type { Clock } from '../../kernel/clock.ts';
import { showDuration } from '../../kernel/duration.ts';
import type { Subject } from './subjects.ts';

/** How far this machine's clock is from that of whoever answered, milliseconds; positive when ours is ahead. */
export interface Skew {
  host: string;
  ms: number;
}

/** Slack refuses signed requests at five minutes, and approvals, silences and windows are off by as much as the clock is. */
const tolerable = 5_000;
const bad = 60_000;

/** `fetch` that notes the `Date` of each answer, which has whole seconds. */
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

/** Services do not all err in the same way, so the one that is nearest tells the most. */
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
