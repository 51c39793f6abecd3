/** Evidence about what asks a gate: documents that came with the question or are fetched for it, read, verified and held against the subject. */

import type { Clock } from '../../kernel/clock.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { GatheredEvidence, SentDocument } from '../../model/act.ts';
import { type Part, sumEvidence } from '../../model/gates/documents/sum.ts';
import type { EvidenceRef, EvidenceRules, FetchRule } from '../../model/gates/evidence.ts';
import type { Door } from '../../model/gates/gate.ts';
import type { Subject } from '../../model/gates/subject.ts';
import { createExaminer } from './aside.ts';
import type { Order } from './examine.ts';
import { addressOf, createDocumentFetch, type Fetched, showAddress } from './fetch.ts';

export interface EvidenceParts {
  clock: Clock;
  log: Log;
  /** Within the egress rules, with the limit of a document. */
  fetch: typeof fetch;
}

/** What is asked, as far as evidence goes. */
export interface EvidenceQuestion {
  door: Door;
  subject: Subject;
  rules: EvidenceRules;
  sent: readonly SentDocument[];
}

export interface EvidenceOffice {
  /**
   * Reads what was sent, and fetches what gates.yaml names, except within an admission call, which may not wait. Throws TocsinError for a
   * document that was sent: `evidence-invalid`, or `evidence-mismatch` for one of another subject. One that was fetched reads as absent then.
   */
  gather(question: EvidenceQuestion): Promise<GatheredEvidence>;
}

interface Gathered {
  ref: EvidenceRef;
  part: Part | null;
  bytes: Uint8Array | null;
}

export function createEvidenceOffice(parts: EvidenceParts): EvidenceOffice {
  const examine = createExaminer(parts);
  const load = createDocumentFetch(parts);

  async function read({ bytes, format }: SentDocument, index: number, of: EvidenceQuestion): Promise<Gathered> {
    const order: Order = { bytes, format, from: 'request', subject: of.subject, rules: of.rules };
    const examined = await examine(order);
    if (examined.kind === 'read') return { ...examined, bytes };
    const { code, because, at } = examined;
    throw new TocsinError(code, {
      message: `The document evidence[${index}] is refused: ${because}`,
      ...(at === null ? {} : { at: `evidence[${index}], ${at}` }),
    });
  }

  async function fetchOne(rule: FetchRule, { subject, rules }: EvidenceQuestion): Promise<Gathered> {
    const url = addressOf(rule, subject);
    const from = showAddress(url ?? rule.url);
    if (url === null) return absent(rule, from, 'the subject lacks what its address is made of');
    const fetched: Fetched = await load(url);
    if (!fetched.ok) return absent(rule, from, fetched.because);
    const { bytes } = fetched;
    const examined = await examine({ bytes, format: rule.format, from, subject, rules });
    return examined.kind === 'read' ? { ...examined, bytes } : absent(rule, from, examined.because);
  }

  return {
    async gather(question) {
      const { door, rules, sent, subject } = question;
      const bare = { image: subject.image, sha: subject.sha };
      const of = { ...question, subject: withoutUndefined(bare) };
      const all = [
        ...sent.map((document, index) => read(document, index, of)),
        ...(door === 'kubernetes' ? [] : rules.fetch.map(rule => fetchOne(rule, of))),
      ];
      const gathered = await Promise.all(all);
      return {
        evidence: sumEvidence(gathered.flatMap(one => one.part ?? [])),
        refs: gathered.map(one => one.ref),
        blobs: gathered.flatMap(({ ref, bytes }) => (bytes === null ? [] : [{ digest: ref.digest, bytes }])),
      };
    },
  };
}

function withoutUndefined({ image, sha }: { image: string | undefined; sha: string | undefined }): Subject {
  return { ...(image === undefined ? {} : { image }), ...(sha === undefined ? {} : { sha }) };
}

function absent({ kind, format }: FetchRule, from: string, because: string): Gathered {
  const ref: EvidenceRef = {
    ...{ kind, format: format ?? 'unknown', digest: '', from, by: 'caller', verified: false, because },
    says: 'nothing',
  };
  return { ref, part: null, bytes: null };
}
