import { checkHmac, hmacOf } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import { authorizationBy, proofOf } from '../alertmanager/proof.ts';
import type { Options } from './options.ts';

/**
 * The headers of the signature when the contact point names none. The second is the default of the code of earlier releases, whatever its
 * form says. Source: grafana/alerting http/hmac.go and receivers/webhook/v1/config.go.
 */
const defaultHeaders = ['x-grafana-alerting-signature', 'x-grafana-alert-signature'];

/** A signature, or a token or password in the Authorization header: whichever are configured, one of them proves the sender. */
export function verify(delivery: Delivery, given: Options): Verified {
  const early = verifyHeaders(delivery.headers, given);
  return early ?? checkSigned(delivery, given);
}

/** What the headers alone decide; null when the signature over the body has to be looked at. */
export function verifyHeaders(headers: Delivery['headers'], given: Options): Verified | null {
  if (given.secret === undefined) return proofOf(headers, given);
  if (given.token !== undefined || given.basic !== undefined) {
    const proof = proofOf(headers, given);
    if (proof.ok) return proof;
  }
  return signatureIn(headers, given) === undefined ? { ok: false, because: 'no signature' } : null;
}

/** What Grafana sends, by the first of several secrets: the signature where there is one, else the Authorization header. */
export function prove({ body, at }: Delivery, given: Options): Record<string, string> {
  const [secret] = given.secret ?? [];
  if (secret === undefined) return authorizationBy(given);
  const name = given.signatureHeader ?? defaultHeaders[0] ?? '';
  if (given.timestampHeader === undefined) return { [name]: hmacOf(secret, [body]).toString('hex') };
  const time = String(Math.floor(at / 1000));
  return { [given.timestampHeader]: time, [name]: hmacOf(secret, [`${time}:`, body]).toString('hex') };
}

function signatureIn(headers: Delivery['headers'], { signatureHeader }: Options): string | undefined {
  const names = signatureHeader === undefined ? defaultHeaders : [signatureHeader];
  return names.map(name => headers[name]).find(value => value !== undefined);
}

/** Hex of the HMAC of the body, or of the time in seconds, a colon and the body, where a timestamp header is configured. */
function checkSigned({ headers, body, at }: Delivery, given: Options): Verified {
  const time = given.timestampHeader === undefined ? null : (headers[given.timestampHeader] ?? '');
  const right = checkHmac({
    secrets: given.secret ?? [],
    parts: time === null ? [body] : [`${time}:`, body],
    signatures: [(signatureIn(headers, given) ?? '').trim()],
    encoding: 'hex',
  });
  if (!right) return { ok: false, because: 'the signature is not made with a configured secret' };
  const fresh = time === null || (/^\d{9,11}$/.test(time) && Math.abs(at - Number(time) * 1000) <= given.tolerance);
  return fresh ? { ok: true, by: 'hmac' } : { ok: false, because: 'the signed time is not near ours' };
}
