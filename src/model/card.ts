import { z } from 'zod';
import { act } from './act.ts';
import { severity } from './event.ts';

/** How a card is coloured. */
export const tone = z.enum(['critical', 'error', 'warning', 'info', 'good', 'neutral', 'ask']);
export type Tone = z.infer<typeof tone>;

/**
 * A platform-neutral message. Every text in it is data: the platform escapes it, makes control, bidi and zero-width characters visible,
 * and cuts what is too long with the number of characters that were cut. Nothing in a card is markup.
 */
export const block = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({
    kind: z.literal('fields'),
    fields: z.array(z.object({ label: z.string(), value: z.string(), code: z.boolean().optional() })),
  }),
  /** Shown in a fixed pitch, for example an argv. */
  z.object({ kind: z.literal('code'), text: z.string() }),
  z.object({ kind: z.literal('links'), links: z.array(z.object({ label: z.string(), url: z.string() })) }),
  z.object({
    kind: z.literal('progress'),
    done: z.int(),
    /** Null when the number of steps is not known (a TypeScript runbook). */
    total: z.int().nullable(),
    startedAt: z.int().nullable(),
    finishedAt: z.int().nullable(),
    steps: z.array(z.object({ id: z.string(), title: z.string(), state: z.string(), because: z.string().nullable() })),
  }),
  /** The live output of a step; the text is its tail, ANSI codes included. A platform that can stream reads the rest from the store. */
  z.object({ kind: z.literal('output'), run: z.string(), step: z.string(), tail: z.string(), live: z.boolean() }),
]);
export type Block = z.infer<typeof block>;
export type Progress = Extract<Block, { kind: 'progress' }>;

export const button = z.object({
  label: z.string(),
  style: z.enum(['primary', 'danger', 'plain']),
  /** Asks for a reason first. */
  reason: z.enum(['none', 'optional', 'required']),
  does: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('act'), act }),
    /** Shows details privately: what `status` would answer. */
    z.object({ kind: z.literal('details'), subject: z.enum(['alert', 'run', 'approval']), id: z.string() }),
  ]),
});
export type Button = z.infer<typeof button>;

export const card = z.object({
  tone,
  title: z.string(),
  /** A short state next to the title: `firing`, `step 2 of 5`, `approved`. */
  badge: z.string().nullable(),
  blocks: z.array(block),
  buttons: z.array(button),
  /** Who is called: people and groups of the config; the platform turns them into mentions, and only them. */
  mention: z.array(z.string()),
});
export type Card = z.infer<typeof card>;

/** A message that a thread should show: wanted by the journal, delivered by a platform. */
export const post = z.object({
  platform: z.string(),
  /**
   * What it is about, unique in the platform: `alert/<id>/<episode>`, `run/<id>`, `approval/<id>`, `note/<seq>/<n>`, `output/<run>/<step>`,
   * `log/<run>` (the full log, as a file), `missed/...` (a list of what was not posted one by one). Where a route names several channels of
   * one platform, the copies in the second and later ones end in ` @<channel>`. Use `alert` and `run` to know what it is about.
   */
  key: z.string(),
  channel: z.string(),
  /** The key of the root post whose thread it is in; null for a root. */
  thread: z.string().nullable(),
  card,
  /** Rises when the card changes. */
  wanted: z.int(),
  /** The last version that the platform has; 0 before the first. */
  delivered: z.int(),
  /** The platform's own id of the message; null before it is posted. */
  ref: z.string().nullable(),
  /** The journal sequence that first wanted it: the order within a thread. */
  order: z.int(),
  createdAt: z.int(),
  /** The store's stamp of the last change, rising over all posts; the store sets it. */
  changed: z.int(),
  /** For filters and colours in lists. */
  severity: severity.nullable(),
  alert: z.string().nullable(),
  run: z.string().nullable(),
  /** True when nothing more is expected of its subject: an alert that is resolved, a run that ended, an approval that is closed, a note. */
  over: z.boolean().optional(),
  /** Of a root: the further channels of the platform in which copies of the thread are. */
  copies: z.array(z.string()).optional(),
  /**
   * Why it is not in the channel: `listed`, only named in a list (`missed/...`) until something changes; `refused`, the platform does not take it.
   * Gone when it is posted after all.
   */
  withheld: z.enum(['listed', 'refused']).optional(),
  /** How often it began anew in another message, because its own was deleted or its thread was locked; left out for 0. */
  renewed: z.int().positive().optional(),
});
export type Post = z.infer<typeof post>;

/**
 * What tells the post's message from all others of the platform, in metadata, footers and nonces: the key, and ` #<n>` after it where the
 * post was renewed, so that the message that was given up is not taken for it.
 */
export function markOf({ key, renewed }: Pick<Post, 'key' | 'renewed'>): string {
  return renewed === undefined ? key : `${key} #${renewed}`;
}

/** Whether somebody has to decide or is called: such a message is never left out. */
export function callsPeople({ card }: Pick<Post, 'card'>): boolean {
  return card.tone === 'ask' || card.mention.length > 0;
}

/** How far it is, in words: `step 2 of 5`, `5 of 5 steps`. */
export function progressText({ done, total, startedAt, finishedAt }: Progress): string {
  // Nothing is on its first step while people are asked.
  if (total !== null && startedAt === null) return `${done} of ${total} steps`;
  if (total === null) return finishedAt === null ? `step ${done + 1}` : `${done} steps`;
  return finishedAt === null ? `step ${Math.min(done + 1, total)} of ${total}` : `${done} of ${total} steps`;
}

/** A sign for the state of a step, beside the word. */
export function stepMark(state: string): string {
  return stepMarks[state] ?? '·';
}

const stepMarks: Readonly<Record<string, string>> = {
  pending: '○',
  running: '◐',
  waiting: '◷',
  done: '✓',
  failed: '✕',
  skipped: '–',
  unknown: '?',
  undone: '↺',
};
