import { checkToken } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import { isStandard, signStandard } from '../webhook/proof.ts';
import { standardHeaders } from '../webhook/standard.ts';
import type { Options } from './options.ts';

/** The secret token as it is. Source: docs.gitlab.com, webhooks. */
const tokenHeader = 'x-gitlab-token';

/**
 * A signing token signs by the rules of Standard Webhooks. Source: gitlab-org/gitlab, merge requests 230944 and 231325.
 * Each that is configured must hold: a token beside a signature would else let unsigned deliveries in.
 */
export function verify(delivery: Delivery, { token, signingToken, tolerance }: Options): Verified {
  if (token !== undefined && !checkToken(delivery.headers[tokenHeader] ?? null, token))
    return { ok: false, because: 'another X-Gitlab-Token than is configured, or none' };
  if (signingToken === undefined) return { ok: true, by: token === undefined ? 'none' : 'header' };
  return isStandard(delivery, { secret: signingToken, tolerance })
    ? { ok: true, by: 'hmac' }
    : { ok: false, because: 'the signature is old or not made with a configured signing token, or there is none' };
}

export function verifyHeaders(headers: Delivery['headers'], given: Options): Verified | null {
  const byToken = verify({ headers, body: Buffer.alloc(0), at: 0 }, { ...given, signingToken: undefined });
  if (given.signingToken === undefined || !byToken.ok) return byToken;
  return headers[standardHeaders.signature] === undefined
    ? { ok: false, because: 'no webhook-signature header' }
    : null;
}

export function prove(delivery: Delivery, { token, signingToken, tolerance }: Options): Record<string, string> {
  return {
    ...(token === undefined ? {} : { [tokenHeader]: token[0] ?? '' }),
    ...(signingToken === undefined ? {} : signStandard(delivery, { secret: signingToken, tolerance })),
  };
}
