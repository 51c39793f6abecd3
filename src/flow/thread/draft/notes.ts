import type { Card } from '../../../model/card.ts';
import type { Entry } from '../../../model/journal.ts';
import type { Run } from '../../../model/run.ts';
import { notesOf } from '../notes.ts';
import type { DraftContext, Place } from './context.ts';

export function wantNotes(
  ctx: DraftContext,
  entry: Entry,
  run: Run | null,
  place: Place,
  notes: readonly Card[] = notesOf(entry, run, ctx.parts.config()),
): void {
  for (const [index, card] of notes.entries()) {
    const key = `note/${entry.seq}/${index}`;
    ctx.want({ key, ...place, run: run?.id ?? null, over: true, render: async () => card }, entry);
  }
}
