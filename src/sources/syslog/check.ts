import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { loadIdentity } from './listen/certificate.ts';
import type { Options } from './options.ts';

/** How long before its end a certificate is told of, milliseconds. */
const soon = 14 * 86_400_000;

/** Reads the certificate and the key as the listener does. */
export async function check({ tls }: Options, { clock }: Pick<CheckTools, 'clock'>): Promise<Finding[]> {
  if (tls === undefined) return [];
  const what = 'the certificate for syslog over TLS';
  try {
    const { cert, key, ca } = await loadIdentity(tls);
    createSecureContext({ cert, key, ...(ca === null ? {} : { ca }) });
    const until = Date.parse(new X509Certificate(cert).validTo);
    const day = new Date(until).toISOString().slice(0, 10);
    if (until <= clock.now())
      return [{ what, state: 'bad', because: `it was valid until ${day}`, remedy: 'Renew it.' }];
    if (until - clock.now() > soon) return [{ what, state: 'ok' }];
    return [{ what, state: 'warning', because: `it is valid until ${day} only`, remedy: 'Renew it.' }];
  } catch (error) {
    const remedy = 'Let cert, key and clientCa be PEM that belongs together, and readable by this user.';
    return [{ what, state: 'bad', because: `it cannot be used: ${messageOf(error)}`, remedy }];
  }
}
