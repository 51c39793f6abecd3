import { generateKeyPairSync } from 'node:crypto';
import {
  alternativeUri,
  authorityKey,
  extension,
  type KeyPair,
  logStamp,
  nameOf,
  sha256Of,
  signed,
  signWith,
  spkiOf,
  subjectKey,
  unsigned,
  uses,
} from './certificate.ts';
import { type Der, sequence, utf8 } from './der.ts';
import { timeStamp } from './stamp.ts';

/** Who signs, and when. */
export interface Signing {
  issuer: string;
  repository: string;
  /** The workflow within the repository, and its ref. */
  workflow: string;
  ref: string;
  /** When the log took it in, and the certificate is given, milliseconds. */
  at: number;
  /** How long after `at` the certificate begins and ends, milliseconds. */
  validFrom: number;
  validFor: number;
  version: '0.1' | '0.2' | '0.3';
  /** What shows the time: the log's promise, or a time-stamping authority without any log (as GitHub does for private repositories). */
  time: 'log' | 'authority';
  /** Without the purpose of signing code. */
  purpose: 'code' | 'none';
}

const standard: Signing = {
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'https://github.com/acme/checkout',
  workflow: '.github/workflows/release.yml',
  ref: 'refs/heads/main',
  at: Date.parse('2026-11-20T10:00:00Z'),
  validFrom: -1000,
  validFor: 600_000,
  version: '0.3',
  time: 'log',
  purpose: 'code',
};

/** A Sigstore of its own: an authority, a log of certificates, a transparency log, a time-stamping authority, and the root that names them. */
export interface Sigstore {
  /** Of the parts that a bundle with this kind of time needs. */
  trustedRoot(time?: Signing['time']): string;
  /** A bundle, as JSON, with an in-toto statement. */
  bundle(statement: unknown, facts?: Partial<Signing>): SigstoreBundle;
}

// biome-ignore lint/suspicious/noExplicitAny: tests take bundles apart to break them
export type SigstoreBundle = any;

const newKey = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const began = Date.parse('2026-01-01T00:00:00Z');
const ends = Date.parse('2036-01-01T00:00:00Z');

export function createSigstore(): Sigstore {
  const [root, certificateLog, log, stampRoot, stamper] = [newKey(), newKey(), newKey(), newKey(), newKey()];
  const rootName = nameOf('a root of tests');
  const rootCertificate = authority(rootName, root);
  const stampName = nameOf('an authority for time');
  const stampRootCertificate = authority(stampName, stampRoot);
  const stampCertificate = signed(
    unsigned({
      ...{ serial: 9, subject: nameOf('time'), issuer: stampName, from: began, until: ends, key: stamper },
      extensions: [uses.signature, uses.time, authorityKey(stampRoot)],
    }),
    stampRoot,
  );
  return {
    trustedRoot: (time = 'log') =>
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        tlogs: time === 'log' ? [logOf('https://rekor.test', log)] : [],
        ctlogs: time === 'log' ? [logOf('https://ctfe.test', certificateLog)] : [],
        certificateAuthorities: [authorityOf('https://fulcio.test', [rootCertificate])],
        timestampAuthorities:
          time === 'log' ? [] : [authorityOf('https://tsa.test', [stampCertificate, stampRootCertificate])],
      }),
    bundle(statement, facts = {}) {
      const of = { ...standard, ...facts };
      const key = newKey();
      const payload = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement));
      const payloadType = 'application/vnd.in-toto+json';
      const signature = signEnvelope(key, payloadType, payload);
      const certificate = leaf(of, { key, root, rootName, certificateLog });
      const stamp = () => timeStamp(signature, { key: stamper, issuer: stampName, serial: 9, at: of.at });
      return {
        mediaType:
          of.version === '0.3'
            ? 'application/vnd.dev.sigstore.bundle.v0.3+json'
            : `application/vnd.dev.sigstore.bundle+json;version=${of.version}`,
        verificationMaterial: {
          ...(of.version === '0.3'
            ? { certificate: { rawBytes: base64(certificate) } }
            : { x509CertificateChain: { certificates: [{ rawBytes: base64(certificate) }] } }),
          tlogEntries: of.time === 'log' ? [logEntry(log, { of, payload, signature, certificate })] : [],
          timestampVerificationData: {
            rfc3161Timestamps: of.time === 'authority' ? [{ signedTimestamp: base64(stamp()) }] : [],
          },
        },
        dsseEnvelope: { payload: base64(payload), payloadType, signatures: [{ sig: base64(signature), keyid: '' }] },
      };
    },
  };
}

/** The bytes that a DSSE envelope signs (github.com/secure-systems-lab/dsse), signed. */
export function signEnvelope(key: KeyPair, type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return signWith(key, Buffer.concat([Buffer.from(head), payload]));
}

function authority(name: Der, key: KeyPair): Der {
  const facts = { serial: 1, subject: name, issuer: name, from: began, until: ends, key };
  return signed(unsigned({ ...facts, extensions: [...uses.authority, subjectKey(key)] }), key);
}

const fulcio = '1.3.6.1.4.1.57264.1';

/** What Fulcio gives a workflow of GitHub. */
function leaf(of: Signing, by: { key: KeyPair; root: KeyPair; rootName: Der; certificateLog: KeyPair }): Der {
  const workflow = `${of.repository}/${of.workflow}@${of.ref}`;
  const facts = {
    ...{ serial: 77, subject: sequence(), issuer: by.rootName, key: by.key },
    ...{ from: of.at + of.validFrom, until: of.at + of.validFrom + of.validFor },
  };
  const extensions = [
    uses.signature,
    ...(of.purpose === 'code' ? [uses.code] : []),
    authorityKey(by.root),
    alternativeUri(workflow),
    extension(`${fulcio}.1`, Buffer.from(of.issuer)),
    extension(`${fulcio}.8`, utf8(of.issuer)),
    extension(`${fulcio}.12`, utf8(of.repository)),
    extension(`${fulcio}.18`, utf8(workflow)),
  ];
  // The library holds each stamp of a log against the root, so that a root without such a log takes certificates without.
  if (of.time === 'authority') return signed(unsigned({ ...facts, extensions }), by.root);
  const stamp = logStamp(unsigned({ ...facts, extensions }), { issuer: by.root, log: by.certificateLog, at: of.at });
  return signed(unsigned({ ...facts, extensions: [...extensions, stamp] }), by.root);
}

function logOf(baseUrl: string, key: KeyPair): object {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      ...{ rawBytes: base64(spkiOf(key)), keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
      validFor: { start: new Date(began).toISOString() },
    },
    logId: { keyId: base64(sha256Of(spkiOf(key))) },
  };
}

function authorityOf(uri: string, certificates: readonly Der[]): object {
  return {
    ...{ subject: { organization: 'tests', commonName: uri }, uri },
    certChain: { certificates: certificates.map(one => ({ rawBytes: base64(one) })) },
    validFor: { start: new Date(began).toISOString() },
  };
}

/** An entry of Rekor, kind dsse 0.0.1: with the promise of the log, and from 0.2 on with the proof that its tree of two has it. */
function logEntry(
  log: KeyPair,
  entry: { of: Signing; payload: Buffer; signature: Buffer; certificate: Der },
): Record<string, unknown> {
  const { of, payload, signature, certificate } = entry;
  const pem = `-----BEGIN CERTIFICATE-----\n${base64(certificate)}\n-----END CERTIFICATE-----\n`;
  const body = JSON.stringify({
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      payloadHash: { algorithm: 'sha256', value: sha256Of(payload).toString('hex') },
      signatures: [{ signature: base64(signature), verifier: base64(pem) }],
    },
  });
  const id = sha256Of(spkiOf(log));
  const integratedTime = of.at / 1000;
  // The members in the order of their names: what is signed is canonical JSON.
  const promise = JSON.stringify({
    ...{ body: base64(body), integratedTime, logID: id.toString('hex'), logIndex: 1 },
  });
  return {
    ...{ logIndex: '1', logId: { keyId: base64(id) }, kindVersion: { kind: 'dsse', version: '0.0.1' } },
    ...{ integratedTime: String(integratedTime), canonicalizedBody: base64(body) },
    inclusionPromise: { signedEntryTimestamp: base64(signWith(log, Buffer.from(promise))) },
    ...(of.version === '0.1' ? {} : { inclusionProof: proofOf(log, body) }),
  };
}

function proofOf(log: KeyPair, body: string): object {
  const other = sha256Of(Buffer.from([0]), Buffer.from('the first entry'));
  const root = sha256Of(Buffer.from([1]), other, sha256Of(Buffer.from([0]), Buffer.from(body)));
  const note = `rekor.test\n2\n${base64(root)}\n`;
  const signature = Buffer.concat([sha256Of(spkiOf(log)).subarray(0, 4), signWith(log, Buffer.from(note))]);
  return {
    ...{ logIndex: '1', rootHash: base64(root), treeSize: '2', hashes: [base64(other)] },
    checkpoint: { envelope: `${note}\n— rekor.test ${base64(signature)}\n` },
  };
}

/** SLSA provenance v1 of an image, as an in-toto statement. */
export function provenanceOf(digest: string, builder = 'https://github.com/actions/runner/github-hosted'): object {
  return statementOf(digest, 'https://slsa.dev/provenance/v1', {
    buildDefinition: { buildType: 'https://actions.github.io/buildtypes/workflow/v1', externalParameters: {} },
    runDetails: { builder: { id: builder }, metadata: {} },
  });
}

/** An in-toto statement v1 about an image, `sha256:…`. */
export function statementOf(digest: string, predicateType: string, predicate: unknown): object {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'registry.example/checkout', digest: { sha256: digest.slice('sha256:'.length) } }],
    ...{ predicateType, predicate },
  };
}
