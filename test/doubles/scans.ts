/** Documents as the scanners write them, cut to what matters, about an image `sha256:…`. */

const hexOf = (digest: string) => digest.slice('sha256:'.length);

/** Trivy 0.6x, `trivy image --format json`. */
export function trivyReport(digest: string, severities: readonly string[] = ['CRITICAL', 'HIGH', 'HIGH']): object {
  return {
    SchemaVersion: 2,
    CreatedAt: '2026-11-20T10:00:00Z',
    ArtifactName: 'registry.example/checkout:1.4',
    ArtifactType: 'container_image',
    Metadata: {
      OS: { Family: 'debian', Name: '12.8' },
      ImageID: `sha256:${'c'.repeat(64)}`,
      RepoTags: ['registry.example/checkout:1.4'],
      RepoDigests: [`registry.example/checkout@${digest}`],
    },
    Results: [
      {
        ...{ Target: 'registry.example/checkout:1.4 (debian 12.8)', Class: 'os-pkgs', Type: 'debian' },
        Vulnerabilities: severities.map((Severity, index) => ({
          ...{
            VulnerabilityID: `CVE-2026-${1000 + index}`,
            PkgName: 'openssl',
            InstalledVersion: '3.0.15-1',
            Severity,
          },
          FixedVersion: index === 0 ? '3.0.16-1' : '',
        })),
      },
    ],
  };
}

/** Grype 0.9x, `grype -o json`. */
export function grypeReport(digest: string): object {
  const match = (id: string, severity: string, fix: string[] = []) => ({
    vulnerability: { id, severity, fix: { versions: fix, state: fix.length > 0 ? 'fixed' : 'not-fixed' } },
    artifact: { name: 'log4j-core', version: '2.14.1', type: 'java-archive', purl: 'pkg:maven/log4j-core@2.14.1' },
  });
  return {
    matches: [match('GHSA-jfh8-c2jp-5v3q', 'Critical', ['2.15.0']), match('CVE-2026-2', 'Negligible')],
    ignoredMatches: [match('CVE-2026-3', 'Critical')],
    source: {
      type: 'image',
      target: {
        ...{ userInput: 'registry.example/checkout:1.4', imageID: `sha256:${'c'.repeat(64)}`, manifestDigest: digest },
        ...{ tags: [], repoDigests: [`registry.example/checkout@${digest}`] },
      },
    },
    descriptor: { name: 'grype', version: '0.98.0' },
  };
}

/** Syft 1.x, `syft -o cyclonedx-json`. */
export function cycloneDxBom(digest: string, more: object = {}): object {
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    ...{ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 },
    metadata: {
      component: { 'bom-ref': 'image', type: 'container', name: 'registry.example/checkout:1.4', version: digest },
    },
    components: [
      {
        ...{ 'bom-ref': 'log4j', type: 'library', group: 'org.apache.logging.log4j', name: 'log4j-core' },
        ...{ version: '2.14.1', purl: 'pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1' },
        components: [{ 'bom-ref': 'inner', type: 'library', name: 'shaded', version: '1' }],
      },
      { 'bom-ref': 'file', type: 'file', name: '/etc/passwd' },
    ],
    ...more,
  };
}

/** Syft 1.x, `syft -o spdx-json`. */
export function spdxBom(digest: string): object {
  return {
    ...{ spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT', name: 'checkout' },
    packages: [
      {
        ...{ name: 'left-pad', SPDXID: 'SPDXRef-Package-left-pad', versionInfo: '1.3.0' },
        externalRefs: [
          { referenceCategory: 'SECURITY', referenceType: 'cpe23Type', referenceLocator: 'cpe:2.3:a:left-pad' },
          { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: 'pkg:npm/left-pad@1.3.0' },
        ],
      },
      {
        ...{ name: 'registry.example/checkout', SPDXID: 'SPDXRef-DocumentRoot-Image', versionInfo: '1.4' },
        checksums: [{ algorithm: 'SHA256', checksumValue: hexOf(digest) }],
        externalRefs: [
          {
            ...{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl' },
            referenceLocator: `pkg:oci/checkout@sha256%3A${hexOf(digest)}?arch=amd64`,
          },
        ],
      },
    ],
    relationships: [
      {
        ...{ spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: 'SPDXRef-DocumentRoot-Image' },
        relationshipType: 'DESCRIBES',
      },
    ],
  };
}

/** SARIF 2.1.0, with the properties that Trivy gives a run. */
export function sarifLog(digest: string, commit?: string): object {
  return {
    version: '2.1.0',
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    runs: [
      {
        tool: {
          driver: {
            name: 'Trivy',
            rules: [
              { id: 'CVE-2026-1', properties: { 'security-severity': '9.8' } },
              { id: 'CVE-2026-2', defaultConfiguration: { level: 'note' } },
            ],
          },
        },
        results: [
          { ruleId: 'CVE-2026-1', ruleIndex: 0, level: 'error', locations: [at('library/checkout')] },
          { ruleIndex: 1, locations: [at('library/checkout')] },
          { ruleId: 'X1', level: 'error', suppressions: [{ kind: 'external' }] },
          { ruleId: 'X2', level: 'error', suppressions: [{ kind: 'external', status: 'rejected' }] },
          { ruleId: 'X3', kind: 'pass' },
          { ruleId: 'X4' },
        ],
        properties: {
          imageName: 'registry.example/checkout:1.4',
          repoDigests: [`registry.example/checkout@${digest}`],
        },
        ...(commit === undefined
          ? {}
          : { versionControlProvenance: [{ repositoryUri: 'https://github.com/acme/checkout', revisionId: commit }] }),
      },
    ],
  };
}

const at = (uri: string) => ({ physicalLocation: { artifactLocation: { uri } } });
