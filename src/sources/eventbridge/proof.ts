import { checkToken } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import { authorizationBy, proofOf } from '../alertmanager/proof.ts';
import type { Options } from './options.ts';

/** The secret of the connection: an API key in its header, a token, or a user and password. Whichever are configured, one proves the sender. */
export function verifyHeaders(headers: Delivery['headers'], given: Options): Verified {
  const { apiKey } = given;
  if (apiKey === undefined) return proofOf(headers, given);
  if (checkToken(headers[apiKey.name] ?? null, apiKey.value)) return { ok: true, by: 'header' };
  const other = given.token === undefined && given.basic === undefined ? null : proofOf(headers, given);
  return other?.ok === true ? other : { ok: false, because: 'not the secret of the connection' };
}

export function verify(delivery: Delivery, given: Options): Verified {
  return verifyHeaders(delivery.headers, given);
}

/** What EventBridge sends, by the first of several secrets. */
export function prove(_delivery: Delivery, given: Options): Record<string, string> {
  const { apiKey } = given;
  return apiKey === undefined ? authorizationBy(given) : { [apiKey.name]: apiKey.value[0] ?? '' };
}
