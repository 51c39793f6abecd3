import { showInstant } from '../../kernel/duration.ts';
import { cutText, visible, visibleLine } from '../../kernel/text.ts';
import type { GlassWindow } from '../../model/ledger/window.ts';
import type { OriginPage } from '../../ports/origin.ts';

/** Whom a broken glass calls is told who broke it, why, and until when. */
export function callOfWindow({ id, person, reason, until, openedAt }: GlassWindow): OriginPage {
  return {
    key: id,
    summary: visibleLine(cutText(`${person} broke the glass: ${reason}`, 500)),
    severity: 'warning',
    source: 'tocsin',
    component: 'break-glass',
    at: openedAt,
    details: { window: id, person, reason: cutText(visible(reason), 1000), until: showInstant(until) },
    links: [],
  };
}
