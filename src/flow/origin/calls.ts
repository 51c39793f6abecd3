import { sha256 } from '../../kernel/canonical.ts';
import { showInstant } from '../../kernel/duration.ts';
import { cutText, visible, visibleLine } from '../../kernel/text.ts';
import type { Held } from '../../model/ledger/held.ts';
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

/** The same change again soon after its undo. All pages about one resource are one while it is open. */
export function callOfFight({ id, principal, action, resource, occurredAt }: Held, because: string): OriginPage {
  return {
    key: `fight/${sha256(resource).slice(0, 32)}`,
    summary: visibleLine(cutText(`${principal} did ${action} to ${resource} again after it was undone`, 500)),
    severity: 'error',
    source: cutText(visibleLine(resource), 200),
    component: 'undo',
    at: occurredAt,
    details: { change: id, principal, action, resource, because: cutText(because, 1000) },
    links: [],
  };
}
