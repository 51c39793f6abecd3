import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { cutJsonList } from '../../kernel/json-cut.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import type { SentDocument } from '../../model/act.ts';
import { evidenceFormat } from '../../model/gates/evidence.ts';
import type { BodyReader } from '../route.ts';

/** The largest question, bytes: what it asks, and the documents that come with it. */
const limits = { whole: 50 * 1024 * 1024, question: 256 * 1024, documents: 20, depth: 70 };

/** The documents of a question, each as it is or as `{format, document}`. */
export const evidenceBody = z
  .array(z.unknown().transform(one => one as SentDocument))
  .max(limits.documents)
  .meta({
    description: `Documents about the subject, each as the tool wrote it: CycloneDX, SPDX, SARIF, Trivy, Grype, a Sigstore bundle or a DSSE envelope. Or {"format": …, "document": …}, which names the format. At most ${limits.documents}, and 50 MB with all.`,
  });

/**
 * Takes the documents out of the body as bytes: each is parsed later, where it does not block others, and stored as it came. What is left is
 * parsed like any other body.
 */
export const gateReader: BodyReader = {
  limit: limits.whole,
  async parse(bytes) {
    const cut = await cutJsonList(bytes, 'evidence', { depth: limits.depth, elements: limits.documents }, nextTurn);
    if (cut.around.length > limits.question)
      throw new TocsinError('body-too-large', {
        message: 'The question is too large without its evidence.',
        allowed: `at most ${limits.question.toLocaleString('en-GB')} bytes beside the documents`,
      });
    const question = parseStrictJson(cut.around);
    if (cut.elements.length === 0) return question;
    const evidence = cut.elements.map(documentOf);
    return Object.assign(Object.create(null), question, { evidence });
  },
};

/** Unwraps `{"format": …, "document": …}`, in either order; the document stays as it came. */
function documentOf(bytes: Buffer): SentDocument {
  const head = bytes.toString('latin1', 0, 200);
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - 200));
  const first = /^\{\s*"format"\s*:\s*"([a-z]{1,20})"\s*,\s*"document"\s*:\s*/.exec(head);
  if (first !== null) return wrapped(bytes, first[1], first[0].length, /\s*\}$/.exec(tail)?.[0].length ?? 0);
  const second = /\s*,\s*"format"\s*:\s*"([a-z]{1,20})"\s*\}$/.exec(tail);
  const opens = /^\{\s*"document"\s*:\s*/.exec(head);
  if (second === null || opens === null) return { bytes, format: null };
  return wrapped(bytes, second[1], opens[0].length, second[0].length);
}

/** A format that is not known is no wrapper: then the whole is in no format that is known, and is refused as such. */
function wrapped(bytes: Buffer, word: string | undefined, head: number, tail: number): SentDocument {
  const { success, data } = evidenceFormat.safeParse(word);
  if (!success || head + tail >= bytes.length) return { bytes, format: null };
  return { bytes: bytes.subarray(head, bytes.length - tail), format: data };
}
