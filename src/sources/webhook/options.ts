import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import {
  compileExpression,
  ExpressionError,
  labelMap,
  makeScope,
  type Wants,
} from '../../model/expression/expression.ts';
import type { Delivery } from '../../ports/source.ts';

/** The data that the expressions of a mapping can read. */
export interface Facts {
  body: unknown;
  item: unknown;
  headers: Delivery['headers'];
}

/** `body` and `item` are CEL values with maps (toCel), because a body may have any key, also `constructor`. */
const scope = makeScope<Facts>({
  name: 'webhook',
  variables: { body: 'dyn', item: 'dyn', headers: 'map<string, string>' },
  open: true,
  bind: facts => ({ body: facts.body, item: facts.item, headers: labelMap(facts.headers) }),
});

function cel<W extends Wants>(wants: W, description: string) {
  return z
    .string()
    .meta({ description: `${description} CEL over body, item (one element of each) and headers.` })
    .transform((text, ctx) => {
      try {
        return compileExpression(text, scope, wants);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        const { message, offset, nearest, allowed } = error;
        ctx.addIssue({ code: 'custom', message, params: { offset, nearest, allowed } });
        return z.NEVER;
      }
    });
}

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, 'not the name of a header')
  .transform(text => text.toLowerCase());

const hmac = z
  .strictObject({
    secret: secretList,
    header: header.meta({ description: 'The header that holds the signature; several stand behind commas or spaces.' }),
    prefix: z
      .string()
      .max(50)
      .default('')
      .meta({ description: 'What stands before each signature, for example sha256=.' }),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    secretEncoding: z
      .enum(['text', 'base64'])
      .default('text')
      .meta({ description: 'base64 when the secret is given encoded; a leading whsec_ is left out then.' }),
    timestampHeader: header
      .optional()
      .meta({ description: 'A signed header with the time in seconds; without it an old delivery can be sent again.' }),
    tolerance: duration.prefault('5m').meta({ description: 'How far the signed time may be from ours.' }),
    signed: z.string().max(200).optional().meta({
      description:
        'What is signed: {body} and headers in braces. {body}, or {<timestampHeader>}:{body}, when left out.',
    }),
  })
  .superRefine((given, ctx) => {
    const fields = [...(given.signed ?? '').matchAll(/\{([^{}]*)\}/g)].map(match => match[1]?.toLowerCase());
    if (given.signed !== undefined && fields.filter(field => field === 'body').length !== 1) {
      ctx.addIssue({ code: 'custom', path: ['signed'], message: 'must hold {body} once' });
    }
    if (given.signed !== undefined && given.timestampHeader !== undefined && !fields.includes(given.timestampHeader)) {
      ctx.addIssue({
        code: 'custom',
        path: ['signed'],
        message: `must hold {${given.timestampHeader}}, or its time proves nothing`,
      });
    }
    if (given.secretEncoding === 'base64' && given.secret.some(one => keyBytes(one, 'base64').length < 16)) {
      ctx.addIssue({ code: 'custom', path: ['secret'], message: 'is not base64 of at least 16 bytes' });
    }
  });
export type Hmac = z.infer<typeof hmac>;

export const options = z.strictObject({
  auth: z
    .strictObject({
      bearer: secretList.optional(),
      basic: z.strictObject({ user: z.string().min(1), password: secretList }).optional(),
      hmac: hmac.optional(),
    })
    .refine(
      given => Object.values(given).filter(one => one !== undefined).length === 1,
      'give one of bearer, basic, hmac',
    )
    .optional()
    .meta({ description: 'How the sender proves itself. Without it nothing that it sends leads to auto.' }),
  deliveryId: cel('text', "The sender's id of the delivery: a second one with the same id is dropped.").optional(),
  map: z.strictObject({
    each: cel('json', 'A list: one event is made of each element.').optional(),
    fingerprint: cel('text', 'The identity of the condition, the same when it resolves.'),
    state: cel('text', 'firing, resolved, acknowledged, or notice for what opens no alert.'),
    title: cel('text', 'One line for people.'),
    severity: cel('text', 'critical, error, warning or info, or a word that means one of them.').optional(),
    labels: z.record(z.string().min(1), cel('text', 'The value of the label.')).default({}),
    annotations: z.record(z.string().min(1), cel('text', 'The value of the annotation.')).default({}),
    links: z
      .record(z.string().min(1), cel('text', 'An address; one that is not http or https is left out.'))
      .default({}),
    startsAt: cel(
      'json',
      'When it began: RFC 3339, or seconds or milliseconds since the epoch. When it arrives, if left out.',
    ).optional(),
  }),
});
export type Options = z.infer<typeof options>;

/** The HMAC key of a secret. */
export function keyBytes(secret: string, encoding: 'text' | 'base64'): string | Buffer {
  return encoding === 'text' ? secret : Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}
