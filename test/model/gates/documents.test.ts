import { describe, expect, it } from 'vitest';
import { bindTo } from '../../../src/model/gates/documents/bind.ts';
import { formatOf, readDocument } from '../../../src/model/gates/documents/documents.ts';
import { readStatement } from '../../../src/model/gates/documents/statement.ts';
import { cutComponents, cutFindings, type Part, sumEvidence } from '../../../src/model/gates/documents/sum.ts';
import type { EvidenceFormat } from '../../../src/model/gates/evidence.ts';
import { cycloneDxBom, grypeReport, sarifLog, spdxBom, trivyReport } from '../../doubles/scans.ts';
import { provenanceOf, statementOf } from '../../doubles/sigstore/index.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const other = `sha256:${'a'.repeat(64)}`;
const sha = 'b'.repeat(40);
const image = `registry.example/checkout@${digest}`;
const bare = (json: unknown) => {
  const format = formatOf(json);
  if (format === null || format === 'sigstore' || format === 'dsse') throw new Error(`it is ${format}`);
  return readDocument(json, format);
};

describe('a document', () => {
  it.each<[EvidenceFormat, object]>([
    ['trivy', trivyReport(digest)],
    ['grype', grypeReport(digest)],
    ['cyclonedx', cycloneDxBom(digest)],
    ['spdx', spdxBom(digest)],
    ['sarif', sarifLog(digest)],
  ])('of %s is known by itself, and says which image it is of', (format, json) => {
    expect(formatOf(json)).toBe(format);
    expect(bindTo(bare(json).about, { image })).toEqual({ kind: 'bound' });
    expect(bindTo(bare(json).about, { image: `x@${other}` })).toMatchObject({ kind: 'other' });
  });

  it('of Trivy has its findings, the most severe first, merged by id and package', () => {
    expect(bare(trivyReport(digest, ['LOW', 'CRITICAL'])).findings).toEqual([
      { id: 'CVE-2026-1001', package: 'openssl', version: '3.0.15-1', severity: 'critical', fixed: '' },
      { id: 'CVE-2026-1000', package: 'openssl', version: '3.0.15-1', severity: 'low', fixed: '3.0.16-1' },
    ]);
    const twice = trivyReport(digest, ['MEDIUM']) as { Results: object[] };
    const worse = (trivyReport(digest, ['HIGH']) as { Results: object[] }).Results;
    expect(bare({ ...twice, Results: [...twice.Results, ...worse] }).findings).toMatchObject([
      { id: 'CVE-2026-1000', severity: 'high', fixed: '3.0.16-1' },
    ]);
  });

  it('of a scan that looked for something else says nothing of vulnerabilities', () => {
    const secrets = { ...trivyReport(digest), Results: [{ Target: 'x', Class: 'secret', Secrets: [] }] };
    expect(bare(secrets).findings).toBeNull();
    expect(bare({ ...trivyReport(digest), Results: undefined }).findings).toBeNull();
    expect(bare({ version: '2.1.0', runs: [{ tool: {} }] }).findings).toBeNull();
    expect(bare({ ...trivyReport(digest), Results: [{ Target: 'x', Class: 'os-pkgs' }] }).findings).toEqual([]);
  });

  it('of Grype counts negligible as low, and not what it ignores', () => {
    expect(bare(grypeReport(digest)).findings).toMatchObject([
      { id: 'GHSA-jfh8-c2jp-5v3q', package: 'log4j-core', severity: 'critical', fixed: '2.15.0' },
      { id: 'CVE-2026-2', severity: 'low' },
    ]);
  });

  it('of SARIF goes by score, then level, and leaves out what passed or is suppressed', () => {
    expect(bare(sarifLog(digest)).findings?.map(one => [one.id, one.severity])).toEqual([
      ['CVE-2026-1', 'critical'],
      ['X2', 'high'],
      ['X4', 'medium'],
      ['CVE-2026-2', 'low'],
    ]);
    const ofCommit = { ...(sarifLog(digest, sha) as { runs: object[] }).runs[0], properties: {} };
    const { about } = bare({ version: '2.1.0', runs: [ofCommit] });
    expect(bindTo(about, { sha })).toEqual({ kind: 'bound' });
    expect(bindTo(about, { sha: 'c'.repeat(40) })).toMatchObject({ kind: 'other' });
  });

  it('of CycloneDX has its components, also inner ones, and no files', () => {
    expect(bare(cycloneDxBom(digest))).toMatchObject({
      kind: 'sbom',
      findings: null,
      components: [
        {
          name: 'org.apache.logging.log4j/log4j-core',
          version: '2.14.1',
          purl: 'pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1',
        },
        { name: 'shaded', version: '1', purl: '' },
      ],
    });
  });

  it('of CycloneDX has vulnerabilities by the worst rating, without what is settled', () => {
    const one = (id: string, severity: string[], state?: string) => ({
      ...{ id, ratings: severity.map(severity => ({ severity })), affects: [{ ref: 'log4j' }] },
      ...(state === undefined ? {} : { analysis: { state } }),
    });
    const vulnerabilities = [one('A', ['low', 'high']), one('B', ['critical'], 'not_affected'), one('C', [])];
    expect(bare(cycloneDxBom(digest, { vulnerabilities })).findings).toMatchObject([
      { id: 'A', severity: 'high', package: 'org.apache.logging.log4j/log4j-core', version: '2.14.1' },
      { id: 'C', severity: 'unknown' },
    ]);
    // Trivy writes an empty list also where it did not look.
    expect(bare(cycloneDxBom(digest, { vulnerabilities: [] })).findings).toBeNull();
  });

  it.each([
    ['hashes', { hashes: [{ alg: 'SHA-256', content: digest.slice(7) }] }],
    ['purl', { purl: `pkg:oci/checkout@sha256%3A${digest.slice(7)}?arch=amd64` }],
    ['property', { properties: [{ name: 'aquasecurity:trivy:RepoDigest', value: image }] }],
  ])('of CycloneDX names its image by %s', (_, component) => {
    const { about } = bare(
      cycloneDxBom(digest, { metadata: { component: { type: 'container', name: 'x', ...component } } }),
    );
    expect(about.digests).toEqual([digest]);
  });

  it('of SPDX has its packages, and not the image that it describes', () => {
    expect(bare(spdxBom(digest)).components).toEqual([
      { name: 'left-pad', version: '1.3.0', purl: 'pkg:npm/left-pad@1.3.0' },
    ]);
  });

  it.each([
    ['CycloneDX 1.3', { bomFormat: 'CycloneDX', specVersion: '1.3' }, /1\.4, 1\.5, 1\.6, 1\.7 are read/],
    ['SPDX 3', { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': [] }, /SPDX 3/],
    ['SARIF 2.0', { version: '2.0.0', runs: [] }, /2\.1\.0 is read/],
    ['Trivy 1', { SchemaVersion: 1, ArtifactName: 'x' }, /schema 1/],
    ['Anchore', { matches: [], descriptor: { name: 'other' } }, /grype/],
  ])('in the version %s is refused', (_, json, because) => {
    expect(() => bare(json)).toThrow(because);
  });

  it.each([null, 3, 'x', [], {}, { runs: 'x', version: '2.1.0' }, { mediaType: 7 }, [[]]])(
    'that is %j is none',
    json => {
      expect(formatOf(json)).toBeNull();
    },
  );

  it('with anything in place of anything is read without a fault', () => {
    const wrong = [null, 3, 'x', [null], { a: [] }, [[1]], true];
    for (const build of [trivyReport, grypeReport, cycloneDxBom, spdxBom, sarifLog])
      for (const value of wrong)
        for (const path of pathsOf(build(digest))) {
          const json = structuredClone(build(digest));
          put(json, path, value);
          if (formatOf(json) !== formatOf(build(digest))) continue;
          try {
            bare(json);
          } catch (error) {
            expect((error as Error).constructor.name).toBe('UnreadableDocument');
          }
        }
  });
});

function pathsOf(value: unknown, before: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...before, key], ...pathsOf(inner, [...before, key])]);
}

function put(json: unknown, path: readonly string[], value: unknown): void {
  let at = json as Record<string, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[path.at(-1) ?? ''] = value;
}

describe('what a document is held against', () => {
  const about = { digests: [], commits: [], perhaps: [] };
  it('may be named by what is perhaps something else, which contradicts nothing', () => {
    expect(bindTo({ ...about, perhaps: [digest] }, { image })).toEqual({ kind: 'bound' });
    expect(bindTo({ ...about, perhaps: [other] }, { image })).toMatchObject({ kind: 'unnamed' });
    expect(bindTo({ ...about, digests: [other, digest] }, { image })).toEqual({ kind: 'bound' });
  });

  it('is another image although it is of the same commit', () => {
    expect(bindTo({ ...about, digests: [other], commits: [sha] }, { image, sha })).toMatchObject({ kind: 'other' });
    expect(bindTo({ ...about, commits: [sha] }, { image, sha })).toEqual({ kind: 'bound' });
  });

  it('is not named where the subject has nothing of the kind', () => {
    expect(bindTo({ ...about, digests: [other] }, { sha })).toMatchObject({ kind: 'unnamed' });
    expect(bindTo(about, {})).toMatchObject({ kind: 'unnamed' });
  });
});

describe('a statement', () => {
  it('of SLSA names its builder, in v1 and before', () => {
    expect(readStatement(provenanceOf(digest, 'https://builder'))).toMatchObject({
      kind: 'provenance',
      builder: 'https://builder',
    });
    for (const version of ['0.1', '0.2'])
      expect(
        readStatement(
          statementOf(digest, `https://slsa.dev/provenance/v${version}`, { builder: { id: 'https://old' } }),
        ),
      ).toMatchObject({ kind: 'provenance', builder: 'https://old' });
  });

  it('may hold an SBOM, or the report of a scanner', () => {
    expect(readStatement(statementOf(digest, 'https://cyclonedx.org/bom', cycloneDxBom(other)))).toMatchObject({
      kind: 'document',
      about: { digests: [digest] },
      reading: { format: 'cyclonedx' },
    });
    const scan = { scanner: { uri: 'pkg:github/aquasecurity/trivy', result: trivyReport(digest) } };
    expect(readStatement(statementOf(digest, 'https://cosign.sigstore.dev/attestation/vuln/v1', scan))).toMatchObject({
      reading: { format: 'trivy' },
    });
  });

  it('of another kind, or inside of another, is refused', () => {
    expect(() => readStatement(statementOf(digest, 'https://example.com/x', {}))).toThrow(/which is not read/);
    expect(() => readStatement({ ...provenanceOf(digest), _type: 'other' })).toThrow(/no in-toto statement/);
    expect(() => readStatement([])).toThrow(/no in-toto statement/);
  });
});

describe('the sum of all documents', () => {
  const finding = (id: string, severity: 'critical' | 'low') => ({
    id,
    package: 'p',
    version: '1',
    severity,
    fixed: '',
  });
  const part = (facts: Partial<Extract<Part, { kind: 'document' }>>): Part => ({
    ...{ kind: 'document', signed: false, findings: null, components: null },
    ...facts,
  });

  it('knows nothing without any', () => {
    expect(sumEvidence([part({})])).toMatchObject({
      vulnerabilities: { known: false, critical: 0 },
      sbom: { known: false },
      provenance: { known: false, builder: '' },
    });
  });

  it('counts what several scans found once', () => {
    const scans = [[finding('A', 'low')], [finding('A', 'critical'), finding('B', 'low')]];
    const { vulnerabilities } = sumEvidence(
      scans.map((all, index) => part({ findings: cutFindings(all), signed: index === 1 })),
    );
    expect(vulnerabilities).toMatchObject({ known: true, signed: true, critical: 1, low: 1, cut: 0 });
  });

  it('cuts long lists with a count, and counts all', () => {
    const many = Array.from({ length: 10_500 }, (_, index) => finding(`C-${index}`, index < 20 ? 'critical' : 'low'));
    const components = Array.from({ length: 20_300 }, (_, index) => ({ name: `n${index}`, version: '', purl: '' }));
    const sum = sumEvidence([part({ findings: cutFindings(many), components: cutComponents(components) })]);
    expect(sum.vulnerabilities).toMatchObject({ critical: 20, low: 10_480, cut: 500 });
    expect(sum.vulnerabilities.list).toHaveLength(10_000);
    expect(sum.sbom.components).toHaveLength(20_000);
    expect(sum.sbom.cut).toBe(300);
  });
});
