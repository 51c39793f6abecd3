import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import { streamOf } from '../../model/journal.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { OriginReport } from '../../ports/origin.ts';
import type { Store } from '../../ports/store.ts';
import { endingText } from '../thread/cards/cards.ts';

/** Pure: how a run stands, for its origin; null for one that never began, of which nothing was told. */
export function reportOf(run: Run, url: string): OriginReport | null {
  if (run.startedAt === null) return null;
  const text = visibleLine(cutText(textOf(run), 1000));
  return { run: run.id, runbook: run.runbook, state: stateOf(run.state), text, url };
}

function stateOf(state: Run['state']): OriginReport['state'] {
  if (!isEnded(state)) return 'running';
  if (state === 'succeeded') return 'succeeded';
  return state === 'cancelled' || state === 'denied' || state === 'expired' ? 'left' : 'failed';
}

function textOf(run: Run): string {
  if (run.state === 'asking') return `${run.title} waits for a person: ${run.because ?? ''}`;
  return isEnded(run.state) ? endingText(run) : `${run.title} runs`;
}

/**
 * The alert with the labels that it had when the run was asked for. A later firing of the same alert may be about another commit or
 * deployment, and what was begun at one must not end at another.
 */
export async function alertOfRun(run: Run, alert: Alert, store: Pick<Store, 'stream'>): Promise<Alert> {
  const events = (await store.stream(streamOf.alert(alert.id))).flatMap(({ fact }) =>
    fact.kind === 'event.accepted' && fact.event.body.kind === 'alert' ? [fact.event] : [],
  );
  const before = events.filter(event => event.receivedAt <= run.createdAt);
  const cause = events.find(event => event.id === run.event) ?? before.at(-1);
  return cause?.body.kind === 'alert' ? { ...alert, labels: cause.body.labels } : alert;
}
