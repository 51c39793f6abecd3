import { canonicalJson, sha256 } from '../kernel/canonical.ts';
import { showDuration } from '../kernel/duration.ts';
import { nearest } from '../kernel/nearest.ts';
import { type Config, type ExpectationFile, expectationsOf } from '../model/config.ts';
import { type ConfiguredSource, type Expectation, expectSource } from '../ports/catalogue.ts';
import type { LabelMatch } from '../ports/runbook.ts';
import { takesAnybody } from '../ports/source.ts';
import type { Faults } from './problems.ts';
import { compileMatch, showMatch } from './triggers.ts';
import type { Path } from './yaml.ts';

type Sources = ReadonlyMap<string, ConfiguredSource>;

/** Compiles `expect:`. Two of one name are refused, because their alerts could not be told apart. */
export function compileExpectations(config: Config, faults: Faults, sources: Sources): Expectation[] {
  const given = expectationsOf(config);
  if (given.length > 0 && Object.hasOwn(config.sources, expectSource))
    faults.add(
      ['sources', expectSource],
      `with expect: in this file, "${expectSource}" names the alerts of what is missing`,
      {
        key: true,
        given: expectSource,
        allowed: 'another name, with type:',
      },
    );
  const names = new Set<string>();
  return given.map((one, index) => {
    const path: Path = Array.isArray(config.expect) ? ['expect', index] : ['expect'];
    const match = compileMatch(one.match, faults, [...path, 'match']);
    const name = one.name ?? nameOf(match);
    if (names.has(name))
      faults.add(one.name === undefined ? path : [...path, 'name'], `another expectation is called "${name}"`, {
        given: name,
        allowed: 'a name: of its own for each',
      });
    names.add(name);
    checkSource(one, path, { config, faults, sources });
    return {
      name,
      key: keyOf(one),
      source: one.source ?? null,
      match,
      text: showMatch(match),
      every: one.every,
      severity: one.severity,
      labels: one.labels,
    };
  });
}

/** A watchdog is called by its alertname alone. */
function nameOf(match: readonly LabelMatch[]): string {
  const [only, second] = match;
  return only?.kind === 'equals' && only.label === 'alertname' && second === undefined ? only.value : showMatch(match);
}

/** Stays the same while the name does; without one, while what is matched does. */
function keyOf({ name, source, match }: ExpectationFile): string {
  const what = name === undefined ? { source: source ?? null, match } : { name };
  return sha256(canonicalJson(what)).slice(0, 16);
}

function checkSource(
  { source, every }: ExpectationFile,
  path: Path,
  known: { config: Config; faults: Faults; sources: Sources },
) {
  const { config, faults, sources } = known;
  const names = Object.keys(config.sources);
  if (source !== undefined && !names.includes(source))
    return faults.add([...path, 'source'], `there is no source "${source}"`, {
      given: source,
      allowed: names.join(', ') || 'entries under sources:',
      nearest: nearest(source, names),
    });
  const given = source === undefined ? undefined : sources.get(source);
  if (given !== undefined && !takesDeliveries(given))
    return faults.add([...path, 'source'], `"${source}" makes its events inside Tocsin, so that they prove nothing`, {
      given: source,
      allowed: 'a source that takes deliveries',
    });
  const bringing = [...sources.values()].filter(
    one => takesDeliveries(one) && (source === undefined || one.name === source),
  );
  if (bringing.length > 0 && bringing.every(takesAnybody))
    faults.add(
      source === undefined ? path : [...path, 'source'],
      'no source that may bring this proves who sends, and what anybody may send does not count: it will always be missing',
      { level: 'warning', given: bringing.map(one => one.name).join(', '), allowed: 'a source with a secret or token' },
    );
  const delay = Math.max(
    0,
    ...bringing.map(one => (source === undefined ? 0 : (one.driver.delay?.(one.options) ?? 0))),
  );
  if (delay >= every)
    faults.add([...path, 'every'], `${source} tells of an alert again after ${showDuration(delay)} or more`, {
      level: 'warning',
      given: showDuration(every),
      allowed: `more than twice ${showDuration(delay)}`,
    });
}

/** True for a source that others send to, by HTTP or by a way of its own. */
function takesDeliveries({ driver }: ConfiguredSource): boolean {
  return driver.prove !== undefined || driver.takesProven !== undefined;
}
