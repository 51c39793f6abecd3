import type { VulnerabilitySeverity } from '../evidence.ts';
import {
  type About,
  type Component,
  digestOfSha256,
  digestsIn,
  type Finding,
  listOf,
  mergeFindings,
  objectOf,
  type Reading,
  rankOf,
  severityOf,
  severityOfScore,
  textOf,
  UnreadableDocument,
} from './reading.ts';

const versions = ['1.4', '1.5', '1.6', '1.7'];

/** What an analysis says that need not be fixed (CycloneDX `vulnerabilities[].analysis.state`). */
const settled = ['resolved', 'resolved_with_pedigree', 'false_positive', 'not_affected'];

/**
 * CycloneDX JSON 1.4 to 1.7 (cyclonedx.org/docs). The image is `metadata.component`: its hashes, its purl, its version (Syft), or the
 * property `aquasecurity:trivy:RepoDigest` (Trivy). An empty list of vulnerabilities says nothing: Trivy writes it also where it did not
 * look for any.
 */
export function readCycloneDx(json: unknown): Reading {
  const bom = objectOf(json);
  const version = textOf(bom['specVersion']);
  if (!versions.includes(version))
    throw new UnreadableDocument(`it is CycloneDX "${version}", and ${versions.join(', ')} are read`);
  const components = componentsOf(bom['components']);
  const names = new Map(components.map(({ ref, component }) => [ref, component]));
  const findings = mergeFindings(findingsOf(bom['vulnerabilities'], names));
  return {
    format: 'cyclonedx',
    kind: components.length === 0 && findings.length > 0 ? 'scan' : 'sbom',
    about: aboutOf(bom['metadata']),
    findings: listOf(bom['vulnerabilities']).length === 0 ? null : findings,
    components: components.length === 0 ? null : components.map(({ component }) => component),
  };
}

function aboutOf(metadata: unknown): About {
  const of = objectOf(objectOf(metadata)['component']);
  const hashes = listOf(of['hashes'])
    .map(objectOf)
    .flatMap(({ alg, content }) => (alg === 'SHA-256' ? digestOfSha256(content) : []));
  const properties = listOf(of['properties']).map(objectOf);
  const valuesOf = (name: string) => properties.flatMap(one => (one['name'] === name ? [one['value']] : []));
  return {
    digests: [
      ...hashes,
      ...digestsIn(of['purl'], of['version'], of['name'], ...valuesOf('aquasecurity:trivy:RepoDigest')),
    ],
    commits: [],
    perhaps: digestsIn(...valuesOf('aquasecurity:trivy:ImageID')),
  };
}

/** All components, also those within others. Files are none: Syft lists each file of an image. */
function componentsOf(list: unknown): { ref: string; component: Component }[] {
  const found: { ref: string; component: Component }[] = [];
  const open = [...listOf(list)].reverse();
  while (open.length > 0) {
    const of = objectOf(open.pop());
    for (const inner of listOf(of['components'])) open.push(inner);
    const [group, name] = [textOf(of['group']), textOf(of['name'])];
    if (name === '' || of['type'] === 'file') continue;
    found.push({
      ref: textOf(of['bom-ref']),
      component: {
        name: group === '' ? name : `${group}/${name}`,
        version: textOf(of['version']),
        purl: textOf(of['purl']),
      },
    });
  }
  return found;
}

function* findingsOf(list: unknown, names: ReadonlyMap<string, Component>): Generator<Finding> {
  for (const one of listOf(list)) {
    const of = objectOf(one);
    const id = textOf(of['id']);
    if (id === '' || settled.includes(textOf(objectOf(of['analysis'])['state']))) continue;
    const severity = severityOfRatings(of['ratings']);
    const affected = listOf(of['affects']).map(affects => textOf(objectOf(affects)['ref']));
    for (const ref of affected.length === 0 ? [''] : affected) {
      const component = names.get(ref);
      const name = component?.name ?? ref;
      yield { id, package: name, version: component?.version ?? '', severity, fixed: '' };
    }
  }
}

/** The most severe of all that rated it. */
function severityOfRatings(ratings: unknown): VulnerabilitySeverity {
  return listOf(ratings)
    .map(objectOf)
    .map(({ severity, score }) =>
      typeof severity !== 'string' && typeof score === 'number' ? severityOfScore(score) : severityOf(severity),
    )
    .reduce<VulnerabilitySeverity>((worst, next) => (rankOf(next) < rankOf(worst) ? next : worst), 'unknown');
}
