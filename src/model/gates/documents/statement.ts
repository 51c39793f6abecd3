import { formatOf, readDocument } from './documents.ts';
import {
  type About,
  commitOf,
  digestOfSha256,
  listOf,
  objectOf,
  type Reading,
  textOf,
  UnreadableDocument,
} from './reading.ts';

/** The type of a DSSE payload that is an in-toto statement. */
export const statementType = 'application/vnd.in-toto+json';

const versions = ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1'];

/** What a statement says of its subjects: who built them, or a document about them. */
export type Statement = { about: About } & (
  | { kind: 'provenance'; builder: string }
  | { kind: 'document'; reading: Reading }
);

/**
 * Reads an in-toto statement (github.com/in-toto/attestation, v0.1 and v1): SLSA provenance v0.1, v0.2 and v1, an SBOM (CycloneDX, SPDX), or
 * a scan as cosign and Trivy write it (`cosign.sigstore.dev/attestation/vuln/v1`, with the scanner's own report as `scanner.result`).
 * Throws UnreadableDocument.
 */
export function readStatement(json: unknown): Statement {
  const statement = objectOf(json);
  if (!versions.includes(textOf(statement['_type'])))
    throw new UnreadableDocument('what is signed is no in-toto statement');
  const about = aboutOf(statement['subject']);
  const type = textOf(statement['predicateType']);
  const predicate = objectOf(statement['predicate']);
  if (/^https:\/\/slsa\.dev\/provenance\/v(0\.1|0\.2|1)$/.test(type)) {
    // v1 has runDetails.builder, the earlier versions builder.
    const of = type.endsWith('/v1') ? objectOf(predicate['runDetails']) : predicate;
    return { kind: 'provenance', about, builder: textOf(objectOf(of['builder'])['id']) };
  }
  return { kind: 'document', about, reading: readPredicate(type, predicate) };
}

function readPredicate(type: string, predicate: Readonly<Record<string, unknown>>): Reading {
  const scanner = objectOf(predicate['scanner']);
  const document = 'result' in scanner ? scanner['result'] : predicate;
  const format = formatOf(document);
  if (format === null || format === 'sigstore' || format === 'dsse')
    throw new UnreadableDocument(`what is signed is of the type "${type}", which is not read`);
  return readDocument(document, format);
}

/** A digest of a subject is that of an image or file, or a commit (`gitCommit`, and `sha1` as older tools call it). */
function aboutOf(subjects: unknown): About {
  const digests = listOf(subjects).map(one => objectOf(objectOf(one)['digest']));
  return {
    digests: digests.flatMap(one => digestOfSha256(one['sha256'])),
    commits: digests.flatMap(one => [...commitOf(one['gitCommit']), ...commitOf(one['sha1'])]),
    perhaps: [],
  };
}
