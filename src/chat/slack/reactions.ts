import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { createBudget } from './budget.ts';
import type { SlackClient } from './client.ts';
import { slackError, toChatError } from './failure.ts';
import type { Ref } from './ref.ts';

/** Mirrors the state of a root message as reactions on it. They are optional: no delivery waits for them, and a failure is no error. */
export interface Reactions {
  /** The post was delivered; `root` is the message that its state is mirrored on. */
  mirror(post: Post, root: Ref): void;
  stop(): Promise<void>;
}

/** The state of the alert, and the state of the newest run in its thread: one reaction each. */
const alertSigns: Record<string, string> = {
  firing: 'rotating_light',
  silenced: 'no_bell',
  resolved: 'white_check_mark',
};
const runSigns = {
  ask: 'raised_hand',
  info: 'hourglass_flowing_sand',
  good: 'tada',
  error: 'x',
  critical: 'x',
  warning: 'grey_question',
  neutral: 'no_entry_sign',
} as const;

/** All reactions that a slot may hold, so that one left by an earlier process is found. */
const slots = { alert: Object.values(alertSigns), run: [...new Set(Object.values(runSigns))] };
type Slot = keyof typeof slots;

const mostKnown = 5000;
/** A little below the tiers of the methods: 50 and 20 a minute. */
const perMinute = { add: 45, remove: 18 };
const ignored = new Set(['already_reacted', 'no_reaction', 'message_not_found', 'too_many_reactions', 'is_archived']);

export function createReactions(client: SlackClient, host: ChatHost): Reactions {
  const end = new AbortController();
  const budgets = { add: createBudget(perMinute.add, host.clock), remove: createBudget(perMinute.remove, host.clock) };
  /** What each slot shows now, by message. */
  const shown = new Map<string, string>();
  const wanted = new Map<string, { ref: Ref; slot: Slot; sign: string }>();
  let working: Promise<void> | null = null;

  async function work(): Promise<void> {
    for (const [key, one] of wanted) {
      wanted.delete(key);
      if (end.signal.aborted) return;
      if (shown.get(key) === one.sign) continue;
      const old = shown.get(key);
      const wrong = old === undefined ? slots[one.slot].filter(sign => sign !== one.sign) : [old];
      // A reaction of an earlier process is removed too, unless the message is too new to have one.
      if (old !== undefined || !isNew(one.ref, host.clock.now()))
        for (const sign of wrong) await call('remove', one.ref, sign);
      await call('add', one.ref, one.sign);
      if (shown.size >= mostKnown) shown.clear();
      shown.set(key, one.sign);
    }
  }

  async function call(what: 'add' | 'remove', { channel, ts }: Ref, name: string): Promise<void> {
    for (let tries = 0; tries < 3 && !end.signal.aborted; tries++) {
      try {
        await budgets[what].take(end.signal);
        await client.reactions[what]({ channel, timestamp: ts, name });
        return;
      } catch (error) {
        if (ignored.has(slackError(error) ?? '')) return;
        const failure = toChatError(error, { method: `reactions.${what}` });
        if (!isCode(failure, 'chat-limited'))
          return host.log.debug({ reason: messageOf(failure) }, 'a reaction was not set');
        await host.clock.sleep(failure.retryAfter ?? 1000, end.signal).catch(() => {});
      }
    }
  }

  function begin(): void {
    working ??= work().finally(() => {
      working = null;
      // More was requested after the loop's last check.
      if (wanted.size > 0 && !end.signal.aborted) begin();
    });
  }

  return {
    mirror(post, root) {
      const slot = slotOf(post);
      const sign =
        slot === 'alert' ? alertSigns[post.card.badge ?? ''] : slot === 'run' ? runSigns[post.card.tone] : undefined;
      if (slot === null || sign === undefined || end.signal.aborted) return;
      const key = `${slot} ${root.channel}/${root.ts}`;
      wanted.delete(key);
      wanted.set(key, { ref: root, slot, sign });
      begin();
    },
    async stop() {
      end.abort(new Error('closed'));
      await working;
    },
  };
}

/** A message of the last minute has no reaction of an earlier process. */
function isNew({ ts }: Ref, now: number): boolean {
  return now - Number(ts) * 1000 < 60_000;
}

function slotOf(post: Post): Slot | null {
  return post.key.startsWith('alert/') ? 'alert' : post.key.startsWith('run/') ? 'run' : null;
}
