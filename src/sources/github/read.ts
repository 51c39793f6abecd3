import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { parseStrictJson, standardLimits } from '../../kernel/strict-json.ts';
import type { Delivery } from '../../ports/source.ts';

/** What the webhook may be set to send. Source: docs.github.com, creating webhooks. */
export const contentTypes = ['application/json', 'application/x-www-form-urlencoded'];

const field = 'payload=';

/** The document, whichever of the two content types has it: no JSON begins as the form does. Throws TocsinError `bad-body`. */
export function readBody({ body }: Delivery): Json {
  const bytes = body.subarray(0, field.length).toString('latin1') === field ? payloadIn(body) : body;
  // A push of many commits has many keys, and an advisory or a release long texts; what is kept of a text is cut.
  const keys = Math.max(standardLimits.keys, Math.floor(bytes.length / 16));
  return parseStrictJson(bytes, { keys, string: Math.max(standardLimits.string, bytes.length) });
}

function payloadIn(body: Buffer): Buffer {
  const text = body.subarray(field.length).toString('latin1').trimEnd();
  try {
    if (text.includes('&')) throw new Error('another field');
    return Buffer.from(decodeURIComponent(text.replaceAll('+', ' ')));
  } catch (cause) {
    const allowed = 'JSON, or a form with the one field payload in UTF-8';
    throw new TocsinError('bad-body', { message: 'The form cannot be read.', at: 'the document', allowed, cause });
  }
}
