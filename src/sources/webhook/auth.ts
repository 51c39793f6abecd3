import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import { standard } from './standard.ts';

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

/** A token in a header of its own. */
export const headerToken = z.strictObject({
  name: header.meta({ description: 'The header that holds the token, for example X-Api-Key.' }),
  value: secretList.meta({ description: 'The token, or several while one replaces another.' }),
});

/** How a sender proves itself: one of five ways. */
export const auth = z
  .strictObject({
    bearer: secretList.optional(),
    basic: z.strictObject({ user: z.string().min(1), password: secretList }).optional(),
    header: headerToken.optional(),
    hmac: hmac.optional(),
    standardWebhooks: standard.optional(),
  })
  .refine(
    given => Object.values(given).filter(one => one !== undefined).length === 1,
    'give one of bearer, basic, header, hmac, standardWebhooks',
  );

export type Auth = z.infer<typeof auth>;

/** The HMAC key of a secret. */
export function keyBytes(secret: string, encoding: 'text' | 'base64'): string | Buffer {
  return encoding === 'text' ? secret : Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}
