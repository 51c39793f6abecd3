import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkFiles } from '../../src/load/index.ts';
import { inFolder } from '../docs/world.ts';
import { createSigstore } from '../doubles/sigstore/index.ts';

const root = createSigstore().trustedRoot();
const who = 'issuer: "https://issuer", repository: acme/api';

const problems = (evidence: string, files: Record<string, string> = {}) =>
  inFolder({ 'gates.yaml': `gates:\n  deploy:\n    ask: [ci]\n    evidence: ${evidence}\n`, ...files }, async parts =>
    (await checkFiles(parts)).map(one => one.message).join('; '),
  );

describe('the evidence of a gate', () => {
  it.each<[string, RegExp]>([
    [`{ provenance: { trustedRoot: ./none.json, ${who} } }`, /the file cannot be used/],
    [`{ provenance: { trustedRoot: ./policy.yaml, ${who} } }`, /no trusted root of Sigstore/],
    [`{ provenance: { trustedRoot: ./root.json } }`, /needs issuer.*needs repository or identity/],
    [`{ provenance: { trustedRoot: ./root.json, issuer: x } }`, /needs repository or identity/],
    ['{ provenance: {} }', /needs trustedRoot or keys/],
    ['{ provenance: { keys: [./root.json] } }', /no public key in PEM/],
    ['{ fetch: [{ url: "https://x.example/a.json", kind: sbom }] }', /\{digest\} or \{sha\} behind its host/],
    ['{ fetch: [{ url: "https://{digest}.example/", kind: sbom }] }', /behind its host/],
    ['{ fetch: [{ url: "file:///{digest}", kind: sbom }] }', /an http or https address/],
    ['{ fetch: [{ url: "https://x.example/{digest}", kind: report }] }', /kind: this is not one of/],
    ['{ scan: { trust: everybody } }', /trust: this is not one of/],
  ])('%s is wrong', async (evidence, message) => {
    expect(await problems(evidence, { 'root.json': root, 'policy.yaml': 'rules: []\n' })).toMatch(message);
  });

  it('may trust a root, several on lines, and keys', async () => {
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const evidence = `{ provenance: { trustedRoot: ./root.json, ${who}, keys: [keys/cosign.pub] } }`;
    expect(await problems(evidence, { 'root.json': root, 'keys/cosign.pub': pem })).toBe('');
    expect(await problems(evidence, { 'root.json': `${root}\n${root}\n`, 'keys/cosign.pub': pem })).toBe('');
  });
});
