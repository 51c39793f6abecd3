import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifySigned } from '../../../src/flow/evidence/signature.ts';
import type { SignatureRules } from '../../../src/model/gates/evidence.ts';
import { createSigstore, provenanceOf, type SigstoreBundle, signEnvelope } from '../../doubles/sigstore/index.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const sigstore = createSigstore();

const rules: SignatureRules = {
  roots: sigstore.trustedRoot(),
  keys: [],
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'acme/checkout',
  identity: null,
  workflow: '.github/workflows/release.yml',
  builders: [],
};

const verify = (bundle: SigstoreBundle, of: Partial<SignatureRules> = {}) =>
  verifySigned(JSON.parse(JSON.stringify(bundle)), 'sigstore', { ...rules, ...of });

/** The bundle with one thing changed. */
function broken(change: (bundle: SigstoreBundle) => void, facts = {}): SigstoreBundle {
  const bundle = sigstore.bundle(provenanceOf(digest), facts);
  change(bundle);
  return bundle;
}

const flipped = (text: string, at = 20) => {
  const bytes = Buffer.from(text, 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('base64');
};

describe('a Sigstore bundle', () => {
  it.each(['0.1', '0.2', '0.3'] as const)('of version %s is verified, and says who signed', async version => {
    const verified = await verify(sigstore.bundle(provenanceOf(digest), { version }));
    expect(verified).toMatchObject({
      ok: true,
      type: 'application/vnd.in-toto+json',
      by: {
        identity: 'https://github.com/acme/checkout/.github/workflows/release.yml@refs/heads/main',
        issuer: 'https://token.actions.githubusercontent.com',
        repository: 'https://github.com/acme/checkout',
        workflow: 'https://github.com/acme/checkout/.github/workflows/release.yml@refs/heads/main',
      },
    });
    expect(verified.ok && JSON.parse(verified.payload.toString())).toEqual(provenanceOf(digest));
  });

  it('with the stamp of an authority needs no log, where the trusted root names none', async () => {
    const bundle = sigstore.bundle(provenanceOf(digest), { time: 'authority' });
    expect(await verify(bundle, { roots: sigstore.trustedRoot('authority') })).toMatchObject({ ok: true });
    // The public root names a log, so that what is in none does not count under it.
    expect(await verify(bundle)).toMatchObject({ ok: false });
    expect(
      await verify(bundle, { roots: `${sigstore.trustedRoot()}\n${sigstore.trustedRoot('authority')}\n` }),
    ).toMatchObject({
      ok: true,
    });
  });

  it.each<[string, SigstoreBundle, RegExp]>([
    [
      'of another trusted root',
      createSigstore().bundle(provenanceOf(digest)),
      /certificate is not from the trusted root/,
    ],
    [
      'signed after its certificate ended',
      broken(() => {}, { validFrom: -700_000 }),
      /outside of the time of the certificate/,
    ],
    [
      'signed before its certificate began',
      broken(() => {}, { validFrom: 60_000 }),
      /outside of the time of the certificate/,
    ],
    ['whose certificate is for something else', broken(() => {}, { purpose: 'none' }), /not one for signing code/],
    [
      'with a cut signature',
      broken(of => {
        of.dsseEnvelope.signatures[0].sig = of.dsseEnvelope.signatures[0].sig.slice(0, 40);
      }),
      /entry in the transparency log is of something else/,
    ],
    [
      'with another payload',
      broken(of => {
        of.dsseEnvelope.payload = Buffer.from(JSON.stringify(provenanceOf(digest, 'me'))).toString('base64');
      }),
      /entry in the transparency log is of something else/,
    ],
    [
      'with an entry that was tampered with',
      broken(of => {
        const [entry] = of.verificationMaterial.tlogEntries;
        entry.canonicalizedBody = flipped(entry.canonicalizedBody, 60);
      }),
      /transparency log/,
    ],
    [
      'with another time in its entry',
      broken(of => {
        of.verificationMaterial.tlogEntries[0].integratedTime = '1795168860';
      }),
      /the transparency log did not sign its entry/,
    ],
    [
      'with a promise of somebody else',
      broken(of => {
        const { inclusionPromise } = of.verificationMaterial.tlogEntries[0];
        inclusionPromise.signedEntryTimestamp = flipped(inclusionPromise.signedEntryTimestamp, 30);
      }),
      /the transparency log did not sign its entry/,
    ],
    [
      'with a proof of another tree',
      broken(of => {
        const { inclusionProof } = of.verificationMaterial.tlogEntries[0];
        inclusionProof.hashes = [flipped(inclusionProof.hashes[0])];
      }),
      /the proof that the transparency log has it does not hold/,
    ],
    [
      'in no log',
      broken(of => {
        of.verificationMaterial.tlogEntries = [];
      }),
      /nobody whom the trusted root names says when it was signed/,
    ],
    [
      'without a certificate',
      broken(of => {
        of.verificationMaterial.certificate = undefined;
      }),
      /it is cut/,
    ],
    [
      'whose certificate is cut',
      broken(of => {
        const { certificate } = of.verificationMaterial;
        certificate.rawBytes = certificate.rawBytes.slice(0, 100);
      }),
      /not well-formed|not from the trusted root/,
    ],
    ['of another issuer', broken(() => {}, { issuer: 'https://gitlab.com' }), /the issuer is https:\/\/gitlab\.com/],
    [
      'of another repository',
      broken(() => {}, { repository: 'https://github.com/mallory/checkout' }),
      /the repository is/,
    ],
    [
      'of a repository that begins alike',
      broken(() => {}, { repository: 'https://github.com/acme/checkout2' }),
      /the repository is/,
    ],
    [
      'of that name elsewhere',
      broken(() => {}, { repository: 'https://github.example/acme/checkout' }),
      /the repository is/,
    ],
    ['of another workflow', broken(() => {}, { workflow: '.github/workflows/test.yml' }), /the workflow is/],
    ['that is empty', {}, /it is cut/],
    ['that is a list', [], /it is cut/],
  ])('%s does not count', async (_, bundle, because) => {
    const verified = await verify(bundle);
    expect(verified).toEqual({ ok: false, because: expect.stringMatching(because) });
  });

  it('may have to be of one ref', async () => {
    const workflow = '.github/workflows/release.yml@refs/heads/main';
    expect(
      await verify(
        broken(() => {}),
        { workflow },
      ),
    ).toMatchObject({ ok: true });
    expect(
      await verify(
        broken(() => {}, { ref: 'refs/heads/evil' }),
        { workflow },
      ),
    ).toMatchObject({ ok: false });
  });

  it('counts for nothing where gates.yaml trusts nobody', async () => {
    expect(
      await verifySigned(
        broken(() => {}),
        'sigstore',
        null,
      ),
    ).toMatchObject({ ok: false });
    expect(
      await verify(
        broken(() => {}),
        { roots: null },
      ),
    ).toEqual({
      ok: false,
      because: expect.stringMatching(/names no trusted root/),
    });
  });
});

describe('a DSSE envelope', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const payload = Buffer.from(JSON.stringify(provenanceOf(digest)));
  const type = 'application/vnd.in-toto+json';
  const envelope = {
    ...{ payloadType: type, payload: payload.toString('base64') },
    signatures: [{ keyid: '', sig: signEnvelope(key, type, payload).toString('base64') }],
  };
  const byKey = (json: unknown, keys = [pem]) => verifySigned(json, 'dsse', { ...rules, roots: null, keys });

  it('counts when one of the keys signed it', async () => {
    const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(await byKey(envelope, [other, pem])).toMatchObject({ ok: true, by: { identity: '', repository: '' } });
    expect(await byKey(envelope, [other])).toEqual({ ok: false, because: expect.stringMatching(/none of the keys/) });
    expect(await byKey(envelope, [])).toMatchObject({ ok: false });
  });

  it('does not count with another type, two signatures or none', async () => {
    expect(await byKey({ ...envelope, payloadType: 'text/plain' })).toMatchObject({ ok: false });
    expect(await byKey({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] })).toMatchObject({
      ok: false,
    });
    expect(await byKey({ ...envelope, signatures: [] })).toMatchObject({ ok: false });
  });
});
