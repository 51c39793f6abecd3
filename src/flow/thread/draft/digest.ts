import type { Entry, FactOf } from '../../../model/journal.ts';
import { digestCard } from '../cards/digest.ts';
import type { DraftContext } from './context.ts';

/** The digest of a week, a root of its own where tocsin.yaml wants it. */
export function wantDigest(ctx: DraftContext, { digest }: FactOf<'digest.made'>, entry: Entry): void {
  const about = { thread: null, alert: null, event: null, run: null, to: digest.to, over: true };
  const render = async () => digestCard(digest, `${ctx.parts.baseUrl()}/statistics`);
  ctx.want({ key: `digest/${digest.week}`, ...about, render }, entry);
}
