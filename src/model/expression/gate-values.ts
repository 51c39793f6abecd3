import {
  type CelFunc,
  type CelList,
  type CelMap,
  CelScalar,
  celList,
  celMethod,
  isCelMap,
  listType,
  mapType,
} from '@bufbuild/cel';
import type { Alert } from '../alert.ts';
import type { Evidence } from '../gates/evidence.ts';
import type { BadMatch } from '../gates/known-bad.ts';
import type { Subject } from '../gates/subject.ts';
import { isMuted } from '../muted.ts';
import { parseSelector } from './selector.ts';
import { alertValue, fieldMap, gettersOf, record } from './values.ts';
import { spend } from './work.ts';

export interface GateSeen {
  name: string;
  door: string;
  subject: Subject;
  evidence: Evidence;
  knownBad: readonly BadMatch[];
}

export const subjectTexts = ['repository', 'sha', 'image', 'environment', 'service', 'change', 'actor'] as const;

/** A gate as rules see it. Each part is made when a rule asks for it: a list of components may be long. */
class GateFields {
  readonly #gate: GateSeen;

  constructor(gate: GateSeen) {
    this.#gate = gate;
  }
  get name() {
    return this.#gate.name;
  }
  get door() {
    return this.#gate.door;
  }
  get subject() {
    const { subject } = this.#gate;
    return record({
      ...Object.fromEntries(subjectTexts.map(name => [name, subject[name] ?? ''])),
      links: celList((subject.links ?? []).map(record)),
    });
  }
  get evidence() {
    const { vulnerabilities, provenance, sbom } = this.#gate.evidence;
    return record({
      vulnerabilities: fieldMap(new VulnerabilityFields(vulnerabilities), vulnerabilityNames),
      provenance: record(provenance),
      sbom: fieldMap(new SbomFields(sbom), sbomNames),
    });
  }
  get knownBad() {
    return celList(
      this.#gate.knownBad.map(({ what, reason, from, by, blocks, sure }) =>
        record({ what, reason, from, by, blocks, sure }),
      ),
    );
  }
}

class VulnerabilityFields {
  readonly #found: Evidence['vulnerabilities'];

  constructor(found: Evidence['vulnerabilities']) {
    this.#found = found;
  }
  get known() {
    return this.#found.known;
  }
  get signed() {
    return this.#found.signed;
  }
  get critical() {
    return BigInt(this.#found.critical);
  }
  get high() {
    return BigInt(this.#found.high);
  }
  get medium() {
    return BigInt(this.#found.medium);
  }
  get low() {
    return BigInt(this.#found.low);
  }
  get unknown() {
    return BigInt(this.#found.unknown);
  }
  get cut() {
    return BigInt(this.#found.cut);
  }
  get list() {
    return recordsOf(this.#found.list);
  }
}

class SbomFields {
  readonly #sbom: Evidence['sbom'];

  constructor(sbom: Evidence['sbom']) {
    this.#sbom = sbom;
  }
  get known() {
    return this.#sbom.known;
  }
  get signed() {
    return this.#sbom.signed;
  }
  get cut() {
    return BigInt(this.#sbom.cut);
  }
  get components() {
    return recordsOf(this.#sbom.components);
  }
}

const gateNames = gettersOf(GateFields);
const vulnerabilityNames = gettersOf(VulnerabilityFields);
const sbomNames = gettersOf(SbomFields);

const knownLists = new WeakMap<readonly Readonly<Record<string, string>>[], CelList>();

/** Made once for all rules that look at it. */
function recordsOf(list: readonly Readonly<Record<string, string>>[]): CelList {
  const made = knownLists.get(list) ?? celList(list.map(record));
  knownLists.set(list, made);
  return made;
}

export function gateValue(gate: GateSeen): CelMap {
  return fieldMap(new GateFields(gate), gateNames);
}

/** The alerts behind a value of the type Alerts; null where there are too many to look at. */
interface Known {
  alerts: readonly Alert[] | null;
  now: number;
}
const behind = new WeakMap<CelMap, Known>();

/** `alerts` as rules see it: it has no fields, only firing() and silenced(). */
export function alertsValue(alerts: readonly Alert[] | null, now: number): CelMap {
  const value = record({});
  behind.set(value, { alerts, now });
  return value;
}

const { DYN, STRING } = CelScalar;

/** The methods of Alerts. They are declared only where `alerts` is a variable. */
export const alertCalls: CelFunc[] = (['firing', 'silenced'] as const).map(name =>
  celMethod(name, mapType(DYN, DYN), [STRING], listType(DYN), function (selector) {
    const known = isCelMap(this) ? behind.get(this) : undefined;
    if (known === undefined) throw new Error(`${name}() is a method of alerts`);
    return select(known, selector, name === 'silenced');
  }),
);

function select({ alerts, now }: Known, text: string, quiet: boolean): CelList {
  if (alerts === null) throw new Error('more alerts fire than a rule can look at');
  const selector = parseSelector(text);
  spend(alerts.length / 4);
  return celList(alerts.filter(one => isQuiet(one, now) === quiet && selector.selects(one.labels)).map(alertValue));
}

/** Silenced by a person here, or kept quiet at its origin. */
function isQuiet(alert: Alert, now: number): boolean {
  return (alert.silencedUntil ?? 0) > now || isMuted(alert, now);
}
