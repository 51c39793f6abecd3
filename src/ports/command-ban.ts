import { parseDuration } from '../kernel/duration.ts';
import { TocsinError } from '../kernel/errors.ts';
import { type Blocks, blocks } from '../model/gates/known-bad.ts';
import type { CommandInput } from './command.ts';

/** What the command `ban` was given. */
export interface BanWords {
  what: string | null;
  alert: string | null;
  /** Milliseconds; null without an end. */
  duration: number | null;
  blocks: Blocks;
  reason: string;
}

/**
 * Reads `[what] [for <time>] [because] <reason>`, where `what=`, `for=`, `blocks=` and `reason=` may stand anywhere. Rejects with
 * `bad-request` for a time or a word that is none.
 */
export function readBanWords({ words, named, context }: CommandInput): BanWords {
  const rest = [...words];
  const begins = (word: string | undefined) => word === 'for' || word === 'because';
  const first = named.has('what') || begins(rest[0]) ? undefined : rest.shift();
  const what = named.get('what') ?? first ?? null;
  const spoken = rest[0] === 'for' ? rest.splice(0, 2)[1] : undefined;
  if (rest[0] === 'because') rest.shift();
  const time = named.get('for') ?? spoken;
  const duration = time === undefined ? null : parseDuration(time);
  if (time !== undefined && duration === null)
    throw new TocsinError('bad-request', {
      message: `"${time}" is not a duration.`,
      allowed: 'a number with its unit: 12h, 7d',
      given: time,
    });
  return {
    what,
    alert: context.alert,
    duration,
    blocks: readBlocks(named.get('blocks') ?? 'rollout'),
    reason: named.get('reason') ?? rest.join(' '),
  };
}

function readBlocks(given: string): Blocks {
  const parsed = blocks.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new TocsinError('bad-request', {
    message: `"${given}" is nothing that an entry can keep out.`,
    allowed: blocks.options,
    given,
  });
}
