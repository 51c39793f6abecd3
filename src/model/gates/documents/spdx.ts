import {
  type Component,
  digestOfSha256,
  digestsIn,
  listOf,
  objectOf,
  type Reading,
  textOf,
  UnreadableDocument,
} from './reading.ts';

const versions = ['SPDX-2.2', 'SPDX-2.3'];

type Fields = Readonly<Record<string, unknown>>;

/**
 * SPDX JSON 2.3, and 2.2, which has the same names (spdx.github.io/spdx-spec/v2.3). The image is what the document describes: its
 * checksums, its version (Syft), its purl. SPDX 3 is another model, JSON-LD, and is not read.
 */
export function readSpdx(json: unknown): Reading {
  const document = objectOf(json);
  const version = textOf(document['spdxVersion']);
  if (!versions.includes(version))
    throw new UnreadableDocument(`it is ${version === '' ? 'SPDX 3' : version}, and ${versions.join(', ')} are read`);
  const packages = listOf(document['packages']).map(objectOf);
  const described = describedBy(document);
  return {
    format: 'spdx',
    kind: 'sbom',
    about: {
      digests: packages.filter(one => described.has(textOf(one['SPDXID']))).flatMap(digestsOf),
      commits: [],
      perhaps: [],
    },
    findings: null,
    components: packages.filter(one => !described.has(textOf(one['SPDXID']))).map(componentOf),
  };
}

/** What it is about: by `documentDescribes` (Trivy, older tools), or by a relation of the document itself (Syft). */
function describedBy(document: Fields): Set<string> {
  const related = listOf(document['relationships'])
    .map(objectOf)
    .filter(({ spdxElementId, relationshipType }) => {
      return spdxElementId === 'SPDXRef-DOCUMENT' && relationshipType === 'DESCRIBES';
    })
    .map(one => textOf(one['relatedSpdxElement']));
  return new Set([...listOf(document['documentDescribes']).map(textOf), ...related]);
}

function digestsOf(of: Fields): string[] {
  const checksums = listOf(of['checksums'])
    .map(objectOf)
    .flatMap(({ algorithm, checksumValue }) => (algorithm === 'SHA256' ? digestOfSha256(checksumValue) : []));
  return [...checksums, ...digestsIn(of['versionInfo'], of['name'], ...purlsOf(of))];
}

function purlsOf(of: Fields): string[] {
  return listOf(of['externalRefs'])
    .map(objectOf)
    .flatMap(one => (one['referenceType'] === 'purl' ? [textOf(one['referenceLocator'])] : []));
}

function componentOf(of: Fields): Component {
  return { name: textOf(of['name']), version: textOf(of['versionInfo']), purl: purlsOf(of)[0] ?? '' };
}
