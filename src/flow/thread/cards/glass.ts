import { cutLine } from '../../../kernel/text.ts';
import type { Block, Card } from '../../../model/card.ts';
import type { Held } from '../../../model/ledger/held.ts';
import type { GlassWindow } from '../../../model/ledger/window.ts';
import { type CardTools, field } from './cards.ts';

/** The root message of a break-glass window: who broke it, why, until when, and what it does not lift. */
export function glassCard(window: GlassWindow, mention: readonly string[], tools: CardTools): Card {
  const open = window.state === 'open';
  return {
    tone: open ? 'critical' : 'neutral',
    title: `${window.person} broke the glass`,
    badge: open ? 'open' : 'over',
    blocks: [
      { kind: 'text', text: window.reason },
      {
        kind: 'fields',
        fields: [
          field('Since', tools.showTime(window.openedAt)),
          field(open ? 'Ends' : 'Ended', tools.showTime(window.until)),
          ...(window.because === null ? [] : [field('Why it ended', window.because)]),
        ],
      },
      {
        kind: 'text',
        text: `Changes by the own principals of ${window.person} need no other permit until it ends. It lifts no vote, no plan and no gate.`,
      },
    ],
    buttons: open
      ? [
          {
            label: 'End it',
            style: 'danger',
            reason: 'optional',
            does: { kind: 'act', act: { kind: 'break-glass-end', window: window.id, reason: null } },
          },
        ]
      : [],
    mention: open ? [...mention] : [],
  };
}

/** What was done in the window, for its thread. */
export function doneCard(window: GlassWindow, changes: readonly (Held | null)[], tools: CardTools): Card {
  const lines = changes.flatMap(one =>
    one === null ? [] : [`${tools.showTime(one.occurredAt)}  ${cutLine(`${one.action} ${one.resource}`, 200)}`],
  );
  const count = window.changes.length + window.more;
  const more = window.more === 0 ? '' : ` The newest ${window.changes.length} are named here.`;
  const list: Block[] = lines.length === 0 ? [] : [{ kind: 'code', text: lines.join('\n') }];
  return {
    tone: 'info',
    title:
      count === 0
        ? 'Nothing was told that was done in it'
        : `${count === 1 ? 'One change was' : `${count} changes were`} done in it.${more}`,
    badge: null,
    blocks: list,
    buttons: [],
    mention: [],
  };
}
