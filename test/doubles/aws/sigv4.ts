import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** How far a signature's time may be from the server's, milliseconds; AWS refuses what is further away. */
const skew = 15 * 60_000;

export type Refusal = { code: string; message: string };

/**
 * Checks Signature Version 4 in full: scope, time, the signed headers and the signature itself; null when it is right. Source: the SigV4
 * reference of AWS (canonical request, string to sign, signing key), and for S3 that the path is encoded once and the body's hash is a header.
 */
export function checkSignature(
  request: IncomingMessage,
  body: Buffer,
  wanted: { keys: Keys; region: string; service: 's3' | 'sqs'; now: number },
): Refusal | null {
  const given = request.headers.authorization;
  if (given === undefined)
    return { code: 'MissingAuthenticationToken', message: 'Request is missing Authentication Token' };
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      given,
    );
  if (found === null)
    return { code: 'IncompleteSignature', message: 'Authorization header is not of Signature Version 4' };
  const [, id = '', day = '', region = '', service = '', signed = '', signature = ''] = found;
  if (id !== wanted.keys.accessKeyId)
    return {
      code: wanted.service === 's3' ? 'InvalidAccessKeyId' : 'InvalidClientTokenId',
      message: 'The access key id does not exist.',
    };
  const time = String(request.headers['x-amz-date'] ?? '');
  const at = timeOf(time);
  if (at === null || Math.abs(at - wanted.now) > skew)
    return {
      code: wanted.service === 's3' ? 'RequestTimeTooSkewed' : 'InvalidSignatureException',
      message: `Signature expired: ${time}`,
    };
  if (day !== time.slice(0, 8) || region !== wanted.region || service !== wanted.service)
    return {
      code: 'SignatureDoesNotMatch',
      message: `Credential should be scoped to ${wanted.region}/${wanted.service}`,
    };
  const names = signed.split(';');
  for (const needed of ['host', 'x-amz-date', ...(service === 's3' ? ['x-amz-content-sha256'] : [])]) {
    if (!names.includes(needed)) return { code: 'SignatureDoesNotMatch', message: `${needed} must be signed` };
  }
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const told = String(request.headers['x-amz-content-sha256'] ?? bodyHash);
  if (told !== bodyHash && told !== 'UNSIGNED-PAYLOAD')
    return { code: 'XAmzContentSHA256Mismatch', message: 'The hash of the body is another.' };
  const canonical = [
    request.method,
    pathOf(request.url ?? '/'),
    queryOf(request.url ?? '/'),
    ...names.map(
      name =>
        `${name}:${String(request.headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signed,
    told,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (before, part) => createHmac('sha256', before).update(part).digest(),
    Buffer.from(`AWS4${wanted.keys.secretAccessKey}`),
  );
  const right = createHmac('sha256', key).update(text).digest('hex');
  return right === signature ? null : { code: 'SignatureDoesNotMatch', message: 'The signature does not match.' };
}

function timeOf(text: string): number | null {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (found === null) return null;
  const [, year, month, day, hour, minute, second] = found.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? '/';
}

function queryOf(url: string): string {
  const query = url.split('?')[1] ?? '';
  return query
    .split('&')
    .filter(part => part !== '')
    .map(part => (part.includes('=') ? part : `${part}=`))
    .sort()
    .join('&');
}
