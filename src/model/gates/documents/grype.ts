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
 * The JSON of Grype (github.com/anchore/grype, `grype/presenter/models`). The image is `source.target.manifestDigest` and `repoDigests`,
 * or a digest in what was asked for; `imageID` is the digest of its configuration. What its rules ignore stands elsewhere
 * (`ignoredMatches`) and is not counted.
 */
export function readGrype(json: unknown): Reading {
  const report = objectOf(json);
  if (textOf(objectOf(report['descriptor'])['name']) !== 'grype')
    throw new UnreadableDocument('its descriptor does not name grype');
  const target = objectOf(objectOf(report['source'])['target']);
  return {
    format: 'grype',
    kind: 'scan',
    about: {
      digests: digestsIn(target['manifestDigest'], target['userInput'], ...listOf(target['repoDigests'])),
      commits: [],
      perhaps: digestsIn(target['imageID']),
    },
    findings: mergeFindings(findingsOf(report['matches'])),
    components: null,
  };
}

function* findingsOf(matches: unknown): Generator<Finding> {
  for (const one of listOf(matches)) {
    const { vulnerability, artifact } = objectOf(one);
    const [of, at] = [objectOf(vulnerability), objectOf(artifact)];
    const id = textOf(of['id']);
    if (id === '') continue;
    yield {
      id,
      package: textOf(at['name']),
      version: textOf(at['version']),
      severity: severityOf(of['severity']),
      fixed: textOf(listOf(objectOf(of['fix'])['versions'])[0]),
    };
  }
}
