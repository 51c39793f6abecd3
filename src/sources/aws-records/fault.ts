import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { isMap } from '../../model/incoming.ts';

/**
 * Why something could not be read. `object`: another try will not help, so it is a dead letter. `passing`: this try broke off; after some it
 * is a dead letter. `source`: nothing can be read now, so nothing is blamed on the object.
 */
export interface Fault {
  blame: 'object' | 'passing' | 'source';
  code: string;
  because: string;
}

/** The stream of an object ended early, stood still, or changed under the reading. */
export class StreamError extends Error {
  override name = 'StreamError';
}

/** The object is not one that can be used, whatever is tried. */
export class ObjectError extends Error {
  override name = 'ObjectError';
  readonly code: string;

  constructor(code: string, because: string) {
    super(because);
    this.code = code;
  }
}

/** Sources: S3 API reference, error responses; AWS KMS errors as S3 passes them on. */
const ofObject =
  /^(NoSuchKey|NoSuchVersion|NoSuchBucket|NotFound|AccessDenied|AllAccessDisabled|Forbidden|InvalidObjectState|MethodNotAllowed|ObjectDeleted|KMS\..+)$/;
const codesOfObject = new Set(['bad-body', 'body-too-large', 'wrong-content-type', 'forbidden']);

/** Errors of the credentials and of the clock. Source: AWS "Common error types", and the names that the providers of the SDK throw. */
const ofCredentials =
  /^(ExpiredToken|ExpiredTokenException|InvalidAccessKeyId|InvalidClientTokenId|SignatureDoesNotMatch|InvalidSignatureException|UnrecognizedClientException|InvalidToken|AuthFailure|RequestTimeTooSkewed|CredentialsProviderError|TokenProviderError|PermanentRedirect|AuthorizationHeaderMalformed)$/;

export function faultOf(error: unknown): Fault {
  const because = messageOf(error).slice(0, 400);
  if (error instanceof TocsinError) {
    const given = error.given === undefined ? '' : ` (${error.given})`;
    const blame = codesOfObject.has(error.code) ? 'object' : 'source';
    return { blame, code: error.code, because: `${because}${given}` };
  }
  if (error instanceof ObjectError) return { blame: 'object', code: error.code, because };
  if (error instanceof StreamError) return { blame: 'passing', code: 'cut-short', because };
  const code = error instanceof Error ? nameOf(error) : 'unknown';
  const status = statusOf(error);
  if (ofCredentials.test(code)) return { blame: 'source', code, because };
  if (ofObject.test(code) || status === 403) return { blame: 'object', code, because };
  // Too many requests, an outage, or no answer at all.
  if (code === 'SlowDown' || status === null || status >= 500) return { blame: 'source', code, because };
  return { blame: 'passing', code, because };
}

/** The code of the network (ECONNREFUSED) says more than the class. */
function nameOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && error.name === 'Error' ? code : error.name;
}

function statusOf(error: unknown): number | null {
  const metadata = isMap(error) || error instanceof Error ? (error as { $metadata?: unknown }).$metadata : undefined;
  const status = isMap(metadata) ? metadata['httpStatusCode'] : undefined;
  return typeof status === 'number' ? status : null;
}
