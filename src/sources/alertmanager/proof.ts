import { basicHeader, bearerHeader, checkBasic, checkBearer } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';

export interface Secrets {
  token?: readonly string[] | undefined;
  basic?: { user: string; password: readonly string[] } | undefined;
}

/** The proof by the `Authorization` header: a token, or a user and password, whichever are configured. Constant time. */
export function proofOf(headers: Delivery['headers'], given: Secrets): Verified {
  if (given.token === undefined && given.basic === undefined) return { ok: true, by: 'none' };
  const header = headers['authorization'];
  if (given.token !== undefined && checkBearer(header, given.token)) return { ok: true, by: 'bearer' };
  const { basic } = given;
  if (basic !== undefined && checkBasic(header, { user: basic.user, passwords: basic.password })) {
    return { ok: true, by: 'basic' };
  }
  return { ok: false, because: header === undefined ? 'no Authorization header' : 'another token, user or password' };
}

/** The `Authorization` header that `proofOf` takes, by the first of several secrets; none without one. */
export function authorizationBy({ token, basic }: Secrets): Record<string, string> {
  const header =
    token === undefined ? basic && basicHeader(basic.user, basic.password[0] ?? '') : bearerHeader(token[0] ?? '');
  return header === undefined ? {} : { authorization: header };
}
