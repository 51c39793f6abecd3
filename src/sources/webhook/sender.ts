import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { basicHeader, bearerHeader, checkBasic, checkBearer, checkToken, secretList } from '../../kernel/signature.ts';
import { plainText } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Normalised, type Source, type Verified } from '../../ports/source.ts';
import { headerToken } from './auth.ts';

/** How a sender that signs nothing proves itself: each that is configured is enough. */
export const proofOptions = {
  token: secretList.optional().meta({
    description: 'The token that the sender has in its Authorization header, after `Bearer `.',
  }),
  basic: z
    .strictObject({ user: z.string().min(1), password: secretList })
    .optional()
    .meta({ description: 'The user and password that the sender has (HTTP basic authentication).' }),
  header: headerToken.optional().meta({ description: 'A token in a header of its own.' }),
};

export const timingOptions = {
  repeatInterval: duration.optional().meta({
    description:
      'How often the sender repeats an alert that still fires, where it is set to: after three times without news, the alert may be over.',
  }),
  reopenAfter: duration.prefault('15s').meta({
    description: 'For how long after a resolve a firing with the same start counts as a stale repeat: nobody is asked.',
  }),
};

/** What `quiet` does, as the end of a sentence for the reference. */
export const quietText =
  'after so long without news an alert ends by itself, which is no cure; what comes later is a new episode. Looked at every five minutes.';

/** After how long without news a stretch ends, for senders that tell no end. */
export const quietOption = duration.refine(ms => ms >= 60_000, 'must be at least a minute');

interface Proof {
  token?: readonly string[] | undefined;
  basic?: { user: string; password: readonly string[] } | undefined;
  header?: { name: string; value: readonly string[] } | undefined;
}

interface Given {
  repeatInterval?: number | undefined;
  quiet?: number | undefined;
  reopenAfter: number;
}

type Ways<Options> = Pick<Source<Options>, 'verify' | 'verifyHeaders' | 'prove'>;

/** A program or service that posts one document, JSON unless it has a `parse`, for each change of an alert. */
export interface Sender<Options extends Given, Body>
  extends Pick<
      Source<Options>,
      | 'id'
      | 'about'
      | 'options'
      | 'examples'
      | 'setup'
      | 'json'
      | 'maxBody'
      | 'contentTypes'
      | 'parse'
      | 'origin'
      | 'check'
      | 'tells'
      | 'toAsk'
      | 'tellsNoEnd'
    >,
    Partial<Ways<Options>> {
  /** As people know it. */
  name: string;
  /** The documented body. What only adds facts must not refuse it: read that with `text`. */
  body: z.ZodType<Body>;
  /** Its words that an error may name. */
  fields: readonly string[];
  /** The documented body in words, for an error, and what to do about another one. */
  allowed: string;
  remedy: string;
  /** Pure. */
  read(body: Body, delivery: Delivery, given: Options): Normalised;
}

/** A source for such a sender; its proof is a token or password unless the sender signs. */
export function defineSender<Options extends Given & Proof, Body>(sender: Sender<Options, Body>): Source<Options> {
  const { name, body: schema, fields, allowed, remedy, read, ...rest } = sender;
  return defineSource<Options>({
    verify: ({ headers }, given) => verifyHeaders(headers, given),
    verifyHeaders,
    prove,
    ...rest,
    fields,
    timing: ({ reopenAfter, repeatInterval = Number.POSITIVE_INFINITY, quiet }) => ({
      reopenAfter,
      repeatInterval,
      endsAfter: quiet,
    }),
    normalise(body, delivery, given) {
      const parsed = schema.safeParse(body);
      if (parsed.success) return read(parsed.data, delivery, given);
      const at = parsed.error.issues[0]?.path.join('.') || 'the document';
      throw new TocsinError('bad-body', { message: `The body is not what ${name} sends.`, at, allowed, remedy });
    },
  });
}

/** Checks the proof of `proofOptions`, in constant time. */
export function verifyHeaders(headers: Delivery['headers'], { token, basic, header }: Proof): Verified {
  if (token === undefined && basic === undefined && header === undefined) return { ok: true, by: 'none' };
  const { authorization } = headers;
  if (token !== undefined && checkBearer(authorization, token)) return { ok: true, by: 'bearer' };
  if (basic !== undefined && checkBasic(authorization, { user: basic.user, passwords: basic.password }))
    return { ok: true, by: 'basic' };
  if (header !== undefined && checkToken(headers[header.name] ?? null, header.value)) return { ok: true, by: 'header' };
  return { ok: false, because: 'another token or password than is configured, or none' };
}

/** By the first of several ways, and of several secrets. */
export function prove(_delivery: Delivery, { token, basic, header }: Proof): Record<string, string> {
  if (token !== undefined) return { authorization: bearerHeader(token[0] ?? '') };
  if (basic !== undefined) return { authorization: basicHeader(basic.user, basic.password[0] ?? '') };
  return header === undefined ? {} : { [header.name]: header.value[0] ?? '' };
}

/** What a sender wrote, as text; null for nothing, for blanks, and for what is no text at all. */
export const text = z
  .unknown()
  .optional()
  .transform(value => plainText(value)?.trim() || null);

/** The same of a template whose variables may have had no value: `null`, or the variable itself, stands there then. */
export function filled(isEmpty: RegExp) {
  return text.transform(found => (found === null || isEmpty.test(found) ? null : found));
}

/**
 * The time of news, milliseconds since the epoch: the arrival where that is earlier, because a clock that is ahead would make later news
 * look old. Null when the sender told none.
 */
export function newsTime(told: number | null | 'unreadable', now: number): number | null {
  return typeof told === 'number' ? Math.min(told, now) : null;
}

/** `a:b` in a list behind commas as labels; what has no colon is left out. The first of a name counts. */
export function labelsOfTags(tags: string | null): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const tag of (tags ?? '').split(',')) {
    const [, name = '', value = ''] = /^\s*([^:]+):(.*)$/s.exec(tag) ?? [];
    if (name.trim() !== '' && name.trim() !== '__proto__') found[name.trim()] ??= value.trim();
  }
  return found;
}

/** The members of a map that are texts. */
export function textsOf(map: Readonly<Record<string, unknown>> | null | undefined): Record<string, string> {
  return present(Object.fromEntries(Object.entries(map ?? {}).map(([name, value]) => [name, text.parse(value)])));
}

/** The labels that have a value. */
export function present(labels: Readonly<Record<string, string | null | undefined>>): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(labels)) if (value != null && value !== '') found[name] = value;
  return found;
}
