import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import type { Signer, TrustMaterial } from '@sigstore/verify';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { SignatureRules } from '../../model/gates/evidence.ts';

/** Who signed, by the certificate; empty where it was a key. */
export interface SignedBy {
  identity: string;
  issuer: string;
  repository: string;
  workflow: string;
}

/** What was signed, or why it does not count, for people. */
export type Verified = { ok: true; type: string; payload: Buffer; by: SignedBy } | { ok: false; because: string };

/**
 * Verifies a Sigstore bundle or a DSSE envelope offline: that a key or a certificate of gates.yaml signed it, in the time of the certificate,
 * that the transparency log of the trusted root has it, and that the certificate is of whom gates.yaml names. Never rejects for what is
 * wrong with the document.
 */
export async function verifySigned(
  json: unknown,
  format: 'sigstore' | 'dsse',
  rules: SignatureRules | null,
): Promise<Verified> {
  if (rules === null) return no('gates.yaml names no signature that counts (evidence.provenance)');
  // Heavy, so they are loaded when the first signature comes.
  const [{ bundleFromJSON, isBundleWithDsseEnvelope }, verify, specs] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
    import('@sigstore/protobuf-specs'),
  ]);
  const bundle = attempt(() => (format === 'dsse' ? bundleOfEnvelope(json, specs) : bundleFromJSON(json)));
  if (bundle === null) return no('it is cut, or no bundle of version 0.1 to 0.3');
  if (!isBundleWithDsseEnvelope(bundle)) return no('it signs a digest alone, and no statement');
  const { payloadType: type, payload } = bundle.content.dsseEnvelope;
  const signed = { type, payload };
  const tools: Tools = { verify, specs, rules };
  return bundle.verificationMaterial.content.$case === 'publicKey'
    ? byKey(bundle, signed, tools)
    : byCertificate(bundle, signed, tools);
}

interface Tools {
  verify: typeof import('@sigstore/verify');
  specs: typeof import('@sigstore/protobuf-specs');
  rules: SignatureRules;
}

type Signed = Pick<Extract<Verified, { ok: true }>, 'type' | 'payload'>;

function no(because: string): Verified {
  return { ok: false, because };
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

/** An envelope alone says nothing of who signed it: each key is tried. */
function bundleOfEnvelope(json: unknown, { Envelope }: Tools['specs']): Bundle {
  const dsseEnvelope = Envelope.fromJSON(json);
  if (dsseEnvelope.signatures.length !== 1 || dsseEnvelope.payload.length === 0) throw new Error('no single signature');
  return {
    mediaType: '',
    content: { $case: 'dsseEnvelope', dsseEnvelope },
    verificationMaterial: {
      content: { $case: 'publicKey', publicKey: { hint: '' } },
      tlogEntries: [],
      timestampVerificationData: undefined,
    },
  };
}

/** A key has no time and no name: what it signed counts, and policy sees nobody's identity. */
function byKey(bundle: Bundle, signed: Signed, { verify, specs, rules }: Tools): Verified {
  if (rules.keys.length === 0) return no('a key signed it, and gates.yaml names none (evidence.provenance.keys)');
  const logs = trustOf(rules.roots ?? '{}', specs);
  // Without a trusted root there is no log to ask, and the key is all there is to trust.
  if (rules.roots === null) bundle.verificationMaterial.tlogEntries.length = 0;
  for (const key of rules.keys) {
    const publicKey = createPublicKey(key);
    for (const root of logs) {
      const trust = verify.toTrustMaterial(root, () => ({ publicKey, validFor: () => true }));
      const verifier = new verify.Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
      if (attempt(() => verifier.verify(verify.toSignedEntity(bundle))) !== null)
        return { ok: true, ...signed, by: { identity: '', issuer: '', repository: '', workflow: '' } };
    }
  }
  return no('none of the keys of gates.yaml signed it');
}

function byCertificate(bundle: Bundle, signed: Signed, { verify, specs, rules }: Tools): Verified {
  if (rules.roots === null)
    return no('a certificate signed it, and gates.yaml names no trusted root (evidence.provenance.trustedRoot)');
  let because = 'the file of the trusted root is empty';
  for (const root of trustOf(rules.roots, specs)) {
    const trust = verify.toTrustMaterial(root);
    try {
      const signer = new verify.Verifier(trust, thresholdsOf(trust)).verify(verify.toSignedEntity(bundle));
      if (!isForCode(bundle)) return no('its certificate is not one for signing code');
      return byIdentity(signed, signedBy(signer), rules);
    } catch (error) {
      because = reasonOf(error);
    }
  }
  return no(because);
}

/** One trusted root as JSON, or one on each line, as `gh attestation trusted-root` writes them. */
function trustOf(text: string, { TrustedRoot }: Tools['specs']) {
  const whole = attempt(() => [JSON.parse(text) as unknown]);
  const all = whole ?? text.split('\n').flatMap(line => (line.trim() === '' ? [] : [JSON.parse(line) as unknown]));
  return all.map(one => TrustedRoot.fromJSON(one));
}

/** What a root has must be shown; one without a log (GitHub's own, for private repositories) has time stamps of its authority. */
function thresholdsOf({ tlogs, ctlogs }: TrustMaterial) {
  return {
    tlogThreshold: Math.min(1, tlogs.length),
    ctlogThreshold: Math.min(1, ctlogs.length),
    timestampThreshold: 1,
  };
}

const codeSigning = '1.3.6.1.5.5.7.3.3';

/** The library does not look at what a certificate is for. */
function isForCode({ verificationMaterial }: Bundle): boolean {
  const { content } = verificationMaterial;
  const bytes =
    content.$case === 'certificate'
      ? content.certificate.rawBytes
      : content.$case === 'x509CertificateChain'
        ? content.x509CertificateChain.certificates[0]?.rawBytes
        : undefined;
  return bytes !== undefined && (new X509Certificate(bytes).keyUsage ?? []).includes(codeSigning);
}

const reasons: Readonly<Record<string, string>> = {
  CERTIFICATE_ERROR:
    'its certificate is not from the trusted root, or it signed outside of the time of the certificate',
  SIGNATURE_ERROR: 'its signature is not of what it holds',
  TIMESTAMP_ERROR: 'nobody whom the trusted root names says when it was signed',
  TLOG_ERROR: 'it is in no transparency log that the trusted root names',
  TLOG_BODY_ERROR: 'its entry in the transparency log is of something else',
  TLOG_INCLUSION_PROOF_ERROR: 'the proof that the transparency log has it does not hold',
  TLOG_INCLUSION_PROMISE_ERROR: 'the transparency log did not sign its entry',
  TLOG_MISSING_INCLUSION_ERROR: 'nothing shows that the transparency log has it',
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? 'it cannot be verified: something in it is not well-formed';
}

/** Extensions of Fulcio's certificates (github.com/sigstore/fulcio, docs/oid-info.md). Up to .6 they are plain text, from .8 on DER. */
const fulcio = '1.3.6.1.4.1.57264.1';
const oids = {
  oldIssuer: `${fulcio}.1`,
  oldRepository: `${fulcio}.5`,
  issuer: `${fulcio}.8`,
  repository: `${fulcio}.12`,
  config: `${fulcio}.18`,
};

function signedBy(signer: Signer): SignedBy {
  const found = new Map((signer.identity?.oids ?? []).map(one => [one.oid?.id.join('.') ?? '', one.value]));
  const extension = (oid: string) => lineOf(textOfExtension(found.get(oid)));
  const identity = lineOf(signer.identity?.subjectAlternativeName ?? '');
  return {
    identity,
    issuer: extension(oids.issuer) || extension(oids.oldIssuer),
    repository: extension(oids.repository) || extension(oids.oldRepository),
    // The workflow that was started; in a certificate that does not say, the one that signed, which is the same unless it is a reusable one.
    workflow: extension(oids.config) || identity,
  };
}

function lineOf(text: string): string {
  return cutText(visibleLine(text), 500);
}

/** A UTF8String in DER, or plain text. */
function textOfExtension(value: Buffer | undefined): string {
  if (value === undefined) return '';
  if (value[0] !== 0x0c) return value.toString('utf8');
  const long = (value[1] ?? 0) & 0x80 ? (value[1] ?? 0) & 0x7f : 0;
  return value.toString('utf8', 2 + long);
}

function byIdentity(signed: Signed, by: SignedBy, rules: SignatureRules): Verified {
  const wrong =
    differs('the issuer', rules.issuer, [by.issuer]) ??
    differs('the repository', rules.repository, repositoryNames(by.repository)) ??
    differs('the identity', rules.identity, [by.identity]) ??
    differs('the workflow', rules.workflow, workflowNames(by));
  return wrong === null ? { ok: true, ...signed, by } : no(wrong);
}

function differs(what: string, wanted: string | null, [given = '', ...others]: readonly string[]): string | null {
  if (wanted === null || wanted === given || others.includes(wanted)) return null;
  return `${what} is ${given === '' ? 'not in the certificate' : given}, and gates.yaml wants ${wanted}`;
}

/** As the certificate has it, and `owner/name` of one at GitHub. */
function repositoryNames(repository: string): string[] {
  const atGitHub = /^https:\/\/github\.com\/([^/]+\/[^/]+)$/.exec(repository);
  return [repository, ...(atGitHub?.[1] === undefined ? [] : [atGitHub[1]])];
}

/** `https://github.com/acme/api/.github/workflows/release.yml@refs/heads/main`, and without the repository, and without the ref. */
function workflowNames({ workflow, repository }: SignedBy): string[] {
  const inside = workflow.startsWith(`${repository}/`) ? workflow.slice(repository.length + 1) : workflow;
  const withoutRef = (text: string) => text.split('@')[0] ?? text;
  return [workflow, inside, withoutRef(workflow), withoutRef(inside)];
}
