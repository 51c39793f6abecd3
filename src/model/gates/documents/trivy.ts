import {
  digestsIn,
  type Finding,
  listOf,
  mergeFindings,
  objectOf,
  type Reading,
  severityOf,
  textOf,
  UnreadableDocument,
} from './reading.ts';

/**
 * The JSON of Trivy, schema 2 (trivy.dev, since 0.20). The image is `Metadata.RepoDigests`, or a digest in the name that was scanned;
 * `Metadata.ImageID` is the digest of its configuration. A report without results about packages, such as one of a search for secrets
 * alone, does not say that nothing is vulnerable.
 */
export function readTrivy(json: unknown): Reading {
  const report = objectOf(json);
  if (report['SchemaVersion'] !== 2)
    throw new UnreadableDocument(`it is a report of Trivy in schema ${String(report['SchemaVersion'])}, and 2 is read`);
  const metadata = objectOf(report['Metadata']);
  const results = listOf(report['Results']).map(objectOf);
  const ofPackages = results.filter(
    one => one['Class'] === 'os-pkgs' || one['Class'] === 'lang-pkgs' || 'Vulnerabilities' in one,
  );
  return {
    format: 'trivy',
    kind: 'scan',
    about: {
      digests: digestsIn(report['ArtifactName'], ...listOf(metadata['RepoDigests'])),
      commits: [],
      perhaps: digestsIn(metadata['ImageID']),
    },
    findings: ofPackages.length === 0 ? null : mergeFindings(findingsOf(ofPackages)),
    components: null,
  };
}

function* findingsOf(results: readonly Readonly<Record<string, unknown>>[]): Generator<Finding> {
  for (const result of results)
    for (const one of listOf(result['Vulnerabilities'])) {
      const of = objectOf(one);
      const id = textOf(of['VulnerabilityID']);
      if (id === '') continue;
      yield {
        id,
        package: textOf(of['PkgName']),
        version: textOf(of['InstalledVersion']),
        severity: severityOf(of['Severity']),
        fixed: textOf(of['FixedVersion']),
      };
    }
}
