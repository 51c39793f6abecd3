import type { VulnerabilitySeverity } from '../evidence.ts';
import {
  type About,
  commitOf,
  digestOfSha256,
  digestsIn,
  type Finding,
  listOf,
  mergeFindings,
  objectOf,
  type Reading,
  severityOfScore,
  textOf,
  UnreadableDocument,
} from './reading.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * SARIF 2.1.0 (docs.oasis-open.org/sarif). A finding is a result that failed and is neither suppressed nor gone; its package is the place
 * where it was found. How severe: the score `security-severity` of the result or its rule, else its level. What it is of: the commit of
 * `versionControlProvenance`, or `repoDigests` and `imageName` among the properties of a run (Trivy).
 */
export function readSarif(json: unknown): Reading {
  const log = objectOf(json);
  if (log['version'] !== '2.1.0')
    throw new UnreadableDocument(`it is SARIF "${textOf(log['version'])}", and 2.1.0 is read`);
  const runs = listOf(log['runs']).map(objectOf);
  const abouts = runs.map(aboutOf);
  return {
    format: 'sarif',
    kind: 'scan',
    about: {
      digests: abouts.flatMap(one => one.digests),
      commits: abouts.flatMap(one => one.commits),
      perhaps: abouts.flatMap(one => one.perhaps),
    },
    // A run without `results` did not get that far (3.14.23); a scan without runs found nothing because it looked at nothing.
    findings: runs.some(run => Array.isArray(run['results']))
      ? mergeFindings(runs.flatMap(run => [...findingsOf(run)]))
      : null,
    components: null,
  };
}

function aboutOf(run: Fields): About {
  const { imageName, repoDigests, imageID } = objectOf(run['properties']);
  const targets = listOf(run['artifacts'])
    .map(objectOf)
    .filter(one => listOf(one['roles']).includes('analysisTarget'));
  return {
    digests: digestsIn(imageName, ...listOf(repoDigests)),
    commits: listOf(run['versionControlProvenance']).flatMap(one => commitOf(objectOf(one)['revisionId'])),
    perhaps: [...digestsIn(imageID), ...targets.flatMap(one => digestOfSha256(objectOf(one['hashes'])['sha-256']))],
  };
}

function* findingsOf(run: Fields): Generator<Finding> {
  const rules = rulesOf(objectOf(run['tool']));
  for (const one of listOf(run['results'])) {
    const result = objectOf(one);
    if (!isOpen(result)) continue;
    const rule = ruleOf(result, rules);
    const id = textOf(result['ruleId']) || textOf(rule['id']);
    const place = objectOf(objectOf(listOf(result['locations'])[0])['physicalLocation']);
    const at = textOf(objectOf(place['artifactLocation'])['uri']);
    yield { id, package: at, version: '', severity: severityIn(result, rule), fixed: '' };
  }
}

/** A result is a fault unless it says otherwise. */
function isOpen(result: Fields): boolean {
  const kind = result['kind'] ?? 'fail';
  const suppressed = listOf(result['suppressions']).some(one => (objectOf(one)['status'] ?? 'accepted') === 'accepted');
  return kind === 'fail' && !suppressed && result['baselineState'] !== 'absent';
}

interface Rules {
  list: readonly Fields[];
  byId: ReadonlyMap<string, Fields>;
}

/** Those of the tool and of what extends it. */
function rulesOf(tool: Fields): Rules {
  const list = listOf(objectOf(tool['driver'])['rules']).map(objectOf);
  const others = listOf(tool['extensions']).flatMap(one => listOf(objectOf(one)['rules']).map(objectOf));
  return { list, byId: new Map([...others, ...list].map(rule => [textOf(rule['id']), rule])) };
}

function ruleOf(result: Fields, { list, byId }: Rules): Fields {
  const named = byId.get(textOf(result['ruleId']));
  if (named !== undefined) return named;
  const index = result['ruleIndex'];
  return (typeof index === 'number' ? list[index] : undefined) ?? {};
}

const ofLevel: Readonly<Record<string, VulnerabilitySeverity>> = {
  error: 'high',
  warning: 'medium',
  note: 'low',
  none: 'low',
};

function severityIn(result: Fields, rule: Fields): VulnerabilitySeverity {
  const given =
    objectOf(result['properties'])['security-severity'] ?? objectOf(rule['properties'])['security-severity'];
  const score = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof score === 'number' && Number.isFinite(score)) return severityOfScore(score);
  const level = result['level'] ?? objectOf(rule['defaultConfiguration'])['level'] ?? 'warning';
  return (typeof level === 'string' ? ofLevel[level] : undefined) ?? 'unknown';
}
