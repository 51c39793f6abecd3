import type { types } from '@slack/bolt';
import { z } from 'zod';
import { type Button, button, type Post } from '../../model/card.ts';
import { plainText } from './text.ts';

/** The longest `value` of a button that Slack takes, characters. */
const mostValue = 2000;
/** Buttons in one `actions` block. */
const mostButtons = 25;

export const actionPrefix = 'tocsin:button:';

/**
 * The value of a button, which a press sends back: its act or details, or, where that is too long, the post and the label to look it up by.
 * Slack signs its requests and sends only values that this app posted. The act is authorised when it is performed in any case.
 */
export const pressed = z.union([
  z.strictObject({
    does: button.shape.does,
    reason: button.shape.reason,
    label: z.string(),
    confirm: z.boolean().optional(),
  }),
  z.strictObject({ post: z.string(), label: z.string() }),
]);
export type Pressed = z.infer<typeof pressed>;

/** The button on an alert's own message that opens the form for a run; its value is the alert's id. */
export const startAction = 'tocsin:start';

/** The buttons of a card. `post` is the key of its post; null for private answers, whose long buttons are omitted: they need a look-up. */
export function renderButtons(
  buttons: readonly Button[],
  post: string | null,
  alert: string | null = null,
): types.ActionsBlock[] {
  const elements = buttons.slice(0, mostButtons).flatMap((one, index) => {
    const value = encodeButton(one, post);
    if (value === null) return [];
    const style = one.style === 'plain' ? {} : { style: one.style };
    const text = plainText(one.label, 75);
    return [{ type: 'button' as const, action_id: `${actionPrefix}${index}`, text, value, ...style }];
  });
  const start = { type: 'button' as const, action_id: startAction, text: plainText('Run …', 75), value: alert ?? '' };
  // A card without acts left needs no button for a run.
  const live = alert !== null && buttons.some(one => one.does.kind === 'act');
  const all = live ? [start, ...elements] : elements;
  return all.length === 0 ? [] : [{ type: 'actions', elements: all.slice(0, mostButtons) }];
}

function encodeButton(one: Button, post: string | null): string | null {
  const confirm = one.confirm === true ? { confirm: true } : {};
  const whole = JSON.stringify({ does: one.does, reason: one.reason, label: one.label, ...confirm } satisfies Pressed);
  if (whole.length <= mostValue) return whole;
  const reference = post === null ? null : JSON.stringify({ post, label: one.label } satisfies Pressed);
  return reference !== null && reference.length <= mostValue ? reference : null;
}

/** The button that a value stands for, or null when its post does not have it any more. */
export async function findButton(
  value: string,
  find: (key: string) => Promise<Post | null>,
): Promise<Pick<Button, 'does' | 'reason' | 'label' | 'confirm'> | null> {
  const parsed = pressed.safeParse(parseJson(value));
  if (!parsed.success) return null;
  if ('does' in parsed.data) return parsed.data;
  const { post, label } = parsed.data;
  return (await find(post))?.card.buttons.find(one => one.label === label) ?? null;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
