import { z } from 'zod';
import { act } from './act.ts';
import { type Risk, risk } from './decision.ts';
import { severity } from './event.ts';
import { picture } from './picture.ts';

/** The colour of a card, by meaning. */
export const tone = z.enum(['critical', 'error', 'warning', 'info', 'good', 'neutral', 'ask']);
export type Tone = z.infer<typeof tone>;

/**
 * A piece of a line. `said` is ours. `quoted` is the text of somebody else: it stands in quotation marks that it cannot close. The times are
 * milliseconds since the epoch; a platform shows them in its own way, and `text` where it has none.
 */
export const span = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('said'), text: z.string() }),
  z.object({ kind: z.literal('quoted'), text: z.string() }),
  z.object({ kind: z.literal('code'), text: z.string() }),
  /** The text is ours, and the address is a page of the console. */
  z.object({ kind: z.literal('page'), text: z.string(), url: z.string() }),
  /** `3m ago`, which goes on counting. */
  z.object({ kind: z.literal('ago'), at: z.int(), text: z.string() }),
  /** `29 min left`, which goes on counting. */
  z.object({ kind: z.literal('left'), at: z.int(), text: z.string() }),
]);
export type Span = z.infer<typeof span>;

/**
 * A part of a platform-neutral message. All texts of a card are data, never markup: the platform escapes them, makes control, bidi and
 * zero-width characters visible, and cuts long texts with a note of how many characters are missing.
 */
export const block = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({
    kind: z.literal('fields'),
    fields: z.array(z.object({ label: z.string(), value: z.string(), code: z.boolean().optional() })),
  }),
  /** A line for each: what it is about, and what there is to say of it. */
  z.object({
    kind: z.literal('facts'),
    facts: z.array(z.object({ label: z.string(), spans: z.array(span) })),
  }),
  /** What somebody else says, marked as that. `by` is ours: `the runbook calls itself`. */
  z.object({ kind: z.literal('quote'), by: z.string(), text: z.string() }),
  /** A line in small print. */
  z.object({ kind: z.literal('small'), text: z.string() }),
  /** What people should know before they press; directly above the buttons, and never cut away. Each is a sentence or two. */
  z.object({ kind: z.literal('warnings'), items: z.array(z.string()) }),
  /** Shown in a monospace font, for example an argv. */
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
  /** Series over time. A platform that takes no files shows its text. */
  z.object({ kind: z.literal('picture'), ...picture.shape }),
  /** The live output of a step. `tail` includes ANSI codes; a platform that can stream reads the rest from the store. */
  z.object({ kind: z.literal('output'), run: z.string(), step: z.string(), tail: z.string(), live: z.boolean() }),
]);
export type Block = z.infer<typeof block>;
export type Progress = Extract<Block, { kind: 'progress' }>;

/** What a Details button can be about. */
export const detailsSubject = z.enum(['alert', 'run', 'approval', 'gate']);
export type DetailsSubject = z.infer<typeof detailsSubject>;

export const button = z.object({
  label: z.string(),
  style: z.enum(['primary', 'danger', 'plain']),
  /** Whether the platform asks for a reason first. */
  reason: z.enum(['none', 'optional', 'required']),
  /** True when the act is answered with what to confirm first (see ActAnswer.confirm): the platform asks for no reason before. */
  confirm: z.boolean().optional(),
  /** Identities whom the server would refuse, for platforms that know who looks. */
  notFor: z.array(z.string()).optional(),
  does: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('act'), act }),
    /** Shows details privately, as the `status` command does. */
    z.object({ kind: z.literal('details'), subject: detailsSubject, id: z.string() }),
  ]),
});
export type Button = z.infer<typeof button>;

export const card = z.object({
  tone,
  title: z.string(),
  /** A short state beside the title: `firing`, `step 2 of 5`, `approved`. */
  badge: z.string().nullable(),
  blocks: z.array(block),
  buttons: z.array(button),
  /** People and groups of the config to mention. The platform turns these into mentions, and nothing else. */
  mention: z.array(z.string()),
  /**
   * Of what people are asked about. The title is a headline in our own words then: notifications say it first, and while it is open the
   * bar has the colour of the risk.
   */
  risk: risk.optional(),
});
export type Card = z.infer<typeof card>;

/** A message that a thread should show: the projection of the journal sets it, a chat platform delivers it. */
export const post = z.object({
  platform: z.string(),
  /**
   * The key of the message, unique in the platform: `alert/<id>/<episode>`, `run/<id>`, `gate/<id>`, `approval/<id>`, `note/<seq>/<n>`,
   * `output/<run>/<step>`, `log/<run>` (the full log, as a file), `missed/...` (a digest of messages that were not posted one by one).
   * Where a route names several channels of one platform, the keys of copies in the second and later channels end in ` @<channel>`. Do
   * not parse it: `alert` and `run` name the subject, and `gateOfKey` the gate.
   */
  key: z.string(),
  channel: z.string(),
  /** The key of the root post whose thread it is in; null for a root. */
  thread: z.string().nullable(),
  card,
  /** The wanted version, which rises when the card changes. */
  wanted: z.int(),
  /** The last version that the platform has; 0 before the first. */
  delivered: z.int(),
  /** The platform's own id of the message; null before it is posted. */
  ref: z.string().nullable(),
  /** The journal sequence that first wanted it: the order within a thread. */
  order: z.int(),
  createdAt: z.int(),
  /** The store's stamp of the last change, rising over all posts. Set by the store. */
  changed: z.int(),
  /** The alert's severity, for filters and colours in lists. */
  severity: severity.nullable(),
  alert: z.string().nullable(),
  run: z.string().nullable(),
  /** True when the subject will not change any more: a resolved alert, an ended run, a closed approval, a note. */
  over: z.boolean().optional(),
  /** For a root: the other channels of the platform that have copies of the thread. */
  copies: z.array(z.string()).optional(),
  /**
   * Why it is not in the channel. `listed`: it is only named in a digest (`missed/...`) until it changes. `refused`: the platform does not
   * take it. Absent once it is posted.
   */
  withheld: z.enum(['listed', 'refused']).optional(),
  /** How often it was posted anew, because its message was deleted or its thread was locked; left out for 0. */
  renewed: z.int().positive().optional(),
});
export type Post = z.infer<typeof post>;

/**
 * The mark that identifies the post's message on the platform, in metadata, footers and nonces: the key, followed by ` #<n>` when the
 * post was renewed, so that the abandoned message is not taken for it.
 */
export function markOf({ key, renewed }: Pick<Post, 'key' | 'renewed'>): string {
  return renewed === undefined ? key : `${key} #${renewed}`;
}

/** The gate whose thread the post with this key, or this mark, begins; null for others. */
export function gateOfKey(key: string): string | null {
  return /^gate\/([^/ ]+)(?: |$)/.exec(key)?.[1] ?? null;
}

/** True when the message asks for a decision or mentions people. Such a message is never left out. */
export function callsPeople({ card }: Pick<Post, 'card'>): boolean {
  return card.tone === 'ask' || card.mention.length > 0;
}

/** What the bar of a card is coloured by: the risk while people are asked, else the tone. */
export type Shade = Tone | `risk-${Risk}`;

export function shadeOf({ tone, risk }: Pick<Card, 'tone' | 'risk'>): Shade {
  return tone === 'ask' && risk !== undefined ? `risk-${risk}` : tone;
}

/** The text of somebody else within quotation marks that it cannot close. */
export function quoted(text: string): string {
  return `“${text.replace(/["“”„‟«»‹›″‶〝〞〟＂]/gu, "'")}”`;
}

/** What is left until a time, in words: `29 min left`, `2 h 5 min left`, `no time left`. */
export function leftText(at: number, now: number): string {
  const minutes = Math.floor((at - now) / 60_000);
  if (at <= now) return 'no time left';
  if (minutes < 1) return 'less than a minute left';
  if (minutes < 60) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`} left`;
  return `${Math.floor(hours / 24)} days left`;
}
/** What stands above the warnings of a card. */
export const warningsTitle = 'Before you press';

/** Progress in words: `step 2 of 5`, `5 of 5 steps`. */
export function progressText({ done, total, startedAt, finishedAt }: Progress): string {
  // A run that waits for an approval has not begun its first step.
  if (total !== null && startedAt === null) return `${done} of ${total} steps`;
  if (total === null) return finishedAt === null ? `step ${done + 1}` : `${done} steps`;
  return finishedAt === null ? `step ${Math.min(done + 1, total)} of ${total}` : `${done} of ${total} steps`;
}

/** A symbol for the state of a step, shown beside the word. */
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
  cancelled: '⊘',
  'not reached': '·',
};
