import { type Json, sha256 } from '../../kernel/canonical.ts';
import { isCode } from '../../kernel/errors.ts';
import { countJsonValues } from '../../kernel/json-cut.ts';
import type { JsonLimits } from '../../kernel/json-scan.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import { bindTo } from '../../model/gates/documents/bind.ts';
import { formatOf, readDocument } from '../../model/gates/documents/documents.ts';
import { type About, type Reading, UnreadableDocument } from '../../model/gates/documents/reading.ts';
import { readStatement, statementType } from '../../model/gates/documents/statement.ts';
import { countFindings, cutComponents, cutFindings, type Part } from '../../model/gates/documents/sum.ts';
import type { EvidenceFormat, EvidenceRef, EvidenceRules } from '../../model/gates/evidence.ts';
import type { Subject } from '../../model/gates/subject.ts';
import { type SignedBy, verifySigned } from './signature.ts';

/** One document, and what it is held against. All of it can be sent to another thread. */
export interface Order {
  bytes: Uint8Array;
  /** The format that its sender named; null to find it out. */
  format: EvidenceFormat | null;
  from: string;
  subject: Pick<Subject, 'image' | 'sha'>;
  rules: EvidenceRules;
}

/** What is made of it. `refused`: it is not what it says, or of another subject; with a code of the catalogue. */
export type Examined =
  | { kind: 'refused'; code: 'evidence-invalid' | 'evidence-mismatch'; because: string; at: string | null }
  | { kind: 'read'; ref: EvidenceRef; part: Part | null };

/** What a document may hold: an SBOM nests components, and a signed one is a single text. */
const limits: JsonLimits = { depth: 64, keys: 1_500_000, string: 64 * 1024 * 1024 };

/**
 * The most values of a document: a report of 50 MB has less than a million. V8 ends the whole process when one large piece of memory is not to be
 * had, also in a thread with limits of its own, so that no text may be parsed that needs more than the thread has.
 */
const mostValues = 2_000_000;

/** Reads one document, verifies it, and holds it against the subject. */
export async function examineDocument(order: Order): Promise<Examined> {
  try {
    const { buffer, byteOffset, length } = order.bytes;
    const json = parse(Buffer.from(buffer, byteOffset, length));
    const format = formatOf(json);
    if (format === null) return refused('it is in no format that is known');
    if (order.format !== null && order.format !== format)
      return refused(`it is ${format}, and it was said to be ${order.format}`);
    return format === 'sigstore' || format === 'dsse'
      ? await examineSigned(json, format, order)
      : examineBare(readDocument(json, format), order);
  } catch (error) {
    if (error instanceof UnreadableDocument) return refused(error.message);
    if (!isCode(error, 'bad-body')) throw error;
    return { kind: 'refused', code: 'evidence-invalid', because: error.message, at: error.at ?? null };
  }
}

/** Throws `bad-body`, or UnreadableDocument. */
function parse(bytes: Buffer): Json {
  if (countJsonValues(bytes, mostValues) > mostValues)
    throw new UnreadableDocument(`it has more than ${mostValues.toLocaleString('en-GB')} values`);
  return parseStrictJson(bytes, limits);
}

function refused(because: string, code: 'evidence-invalid' | 'evidence-mismatch' = 'evidence-invalid'): Examined {
  return { kind: 'refused', code, because, at: null };
}

/** A document that nobody signed: the word of its sender. */
function examineBare(reading: Reading, order: Order): Examined {
  const bound = bindTo(reading.about, order.subject);
  if (bound.kind === 'other') return refused(bound.because, 'evidence-mismatch');
  const { rules } = order;
  const counts = (kind: 'sbom' | 'scan') => rules[kind].caller && (bound.kind === 'bound' || rules[kind].unbound);
  const part: Part = {
    kind: 'document',
    signed: false,
    ...cut({
      findings: counts('scan') ? reading.findings : null,
      components: counts('sbom') ? reading.components : null,
    }),
  };
  const kind = reading.kind === 'scan' ? 'scan' : 'sbom';
  const because = !rules[kind].caller
    ? 'nobody signed it, and gates.yaml wants a signature'
    : bound.kind === 'bound' || rules[kind].unbound
      ? nothingIn(reading)
      : bound.because;
  const of = { kind, format: reading.format, by: 'caller' } as const;
  const says = `${saysOf(reading)}, as ${order.from === 'request' ? 'the caller' : order.from} says`;
  return { kind: 'read', ref: refOf(order, { ...of, because, says }), part: because === null ? part : null };
}

/** What was signed, by somebody whom gates.yaml trusts, about this subject. */
async function examineSigned(json: unknown, format: 'sigstore' | 'dsse', order: Order): Promise<Examined> {
  const { rules, subject } = order;
  const absent = (kind: EvidenceRef['kind'], because: string, says: string): Examined => ({
    kind: 'read',
    ref: refOf(order, { kind, format, by: 'caller', because, says }),
    part: null,
  });
  const verified = await verifySigned(json, format, rules.signatures);
  if (!verified.ok) return absent('provenance', verified.because, 'a signed statement');
  if (verified.type !== statementType)
    return absent('provenance', 'what is signed is no in-toto statement', 'a signature');
  const statement = readStatement(parse(verified.payload));
  const bound = bindTo(statement.about, subject);
  if (bound.kind === 'other') return refused(bound.because, 'evidence-mismatch');
  const kind = statement.kind === 'provenance' ? 'provenance' : statement.reading.kind;
  if (bound.kind === 'unnamed') return absent(kind, bound.because, 'a signed statement');
  if (statement.kind === 'document') return signedDocument(statement, verified.by, format, order);
  const builders = rules.signatures?.builders ?? [];
  if (builders.length > 0 && !builders.includes(statement.builder))
    return absent('provenance', `the builder ${statement.builder || 'that is not named'} is not one of gates.yaml`, '');
  const says = `built by ${statement.builder || 'nobody who is named'}${signers(verified.by)}`;
  return {
    kind: 'read',
    ref: refOf(order, { kind: 'provenance', format, by: 'signature', because: null, says }),
    part: { kind: 'provenance', provenance: { builder: statement.builder, ...verified.by } },
  };
}

function signedDocument(
  { reading }: { about: About; reading: Reading },
  by: SignedBy,
  format: 'sigstore' | 'dsse',
  order: Order,
): Examined {
  const { kind } = reading;
  const because = nothingIn(reading);
  const says = `${saysOf(reading)}${signers(by)}`;
  const ref = refOf(order, { kind, format, by: 'signature', because, says });
  return { kind: 'read', ref, part: because === null ? { kind: 'document', signed: true, ...cut(reading) } : null };
}

/** What of it may be sent on: the counts are of all. */
function cut({ findings, components }: Pick<Reading, 'findings' | 'components'>) {
  return {
    findings: findings === null ? null : cutFindings(findings),
    components: components === null ? null : cutComponents(components),
  };
}

function signers({ repository, identity }: SignedBy): string {
  const who = repository || identity;
  return who === '' ? ', signed by a key of gates.yaml' : `, signed by ${who}`;
}

function nothingIn({ findings, components }: Reading): string | null {
  return findings === null && components === null
    ? 'it says neither what is in it nor that anybody looked for faults'
    : null;
}

function refOf(
  { bytes, from }: Order,
  of: Pick<EvidenceRef, 'kind' | 'format' | 'by' | 'because' | 'says'>,
): EvidenceRef {
  return { ...of, digest: sha256(bytes), from, verified: of.because === null };
}

/** `2 critical, 14 high`, `812 components`. */
function saysOf({ findings, components }: Reading): string {
  const counts = findings === null ? [] : Object.entries(countFindings(findings)).filter(([, count]) => count > 0);
  const found = counts.map(([severity, count]) => `${count} ${severity}`).join(', ') || 'no vulnerabilities';
  const parts = [
    ...(findings === null ? [] : [found]),
    ...(components === null ? [] : [`${components.length} components`]),
  ];
  return parts.join(', ') || 'nothing';
}
