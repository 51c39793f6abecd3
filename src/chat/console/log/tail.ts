import { type Html, html } from '../../../kernel/html.ts';
import type { Run, Step } from '../../../model/run.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { Tail } from '../pages/page.ts';
import { partial, type Viewer } from '../viewer.ts';
import { logBookOf, type StepLog } from './book.ts';
import type { Lines } from './lines.ts';
import { type LineView, renderLines } from './render.ts';
import { linesPerPage } from './tools.ts';

/**
 * New lines of a log for the page that shows its end. A stamp is the last line of the page, doubled, and one more while the step was at
 * work: the end may number lines anew, because what live output left out comes in.
 */
export function createTail(host: ChatHost, id: string, view: LineView): Tail {
  /** How often lines had been dropped when the page was last brought up to date; null before the first time. */
  let revision: number | null = null;
  const read = async () => {
    const run = await host.store.run(id);
    const step = run?.steps.find(one => one.id === view.step);
    if (run === null || step === undefined) return null;
    // A log that cannot be shown has no new lines either; the page says why.
    const log = await logBookOf(host)
      .read(run, step)
      .catch(() => null);
    return log === null ? null : { run, step, log };
  };
  return {
    stamp: async () => stampOf(await read()),
    async next(after, viewer) {
      const now = await read();
      if (now === null) return { pieces: [], stamp: after, runs: [] };
      const { lines } = now.log;
      const shown = Math.floor(after / 2);
      const wasLive = after % 2 === 1;
      const renumbered = revision === null ? wasLive && now.log.state !== 'live' : revision !== lines.revision();
      revision = lines.revision();
      const whole = renumbered || shown > lines.count() || lines.count() - shown > linesPerPage || shown === 0;
      const pieces = lines.count() === shown && !renumbered ? [] : update(lines, whole ? null : shown, view, viewer);
      return { pieces, stamp: stampOf(now), runs: [id] };
    },
  };
}

function stampOf(now: { run: Run; step: Step; log: StepLog } | null): number {
  return now === null ? 0 : now.log.lines.count() * 2 + (now.log.state === 'live' ? 1 : 0);
}

/** The lines after the last that is shown, or the last page of them in the place of all. */
function update(lines: Lines, shown: number | null, view: LineView, viewer: Viewer): Html[] {
  const count = lines.count();
  const from = shown === null ? Math.max(1, count - linesPerPage + 1) : shown + 1;
  const part = lines.read(from, count);
  return [
    partial('log-lines', shown === null ? 'innerHTML' : 'beforeend', renderLines(part.lines, part.ansi, view, viewer)),
    partial('log-absent', 'innerHTML', html``),
  ];
}
