import { messageOf } from '../../kernel/errors.ts';
import { type Event, type EventKind, takesKind } from '../../model/event.ts';
import type { EventVariables, LabelMatch, Params, Runbook, Trigger } from '../../ports/runbook.ts';

/** A runbook that an event asks for, with the parameters that its trigger made of the event. */
export interface Candidate {
  runbook: Runbook;
  trigger: Trigger;
  /** Null when something could not be computed: `failed` says what, `because` why. */
  params: Params | null;
  /** `where`: no trigger of the runbook holds, and of this one it is not known. */
  failed: 'parameters' | 'where' | null;
  because: string;
}

/** Is told of every trigger whose clauses could not be evaluated, also when another one of its runbook holds. */
type Complain = (runbook: Runbook, because: string) => void;

/** Triggers, indexed by source and by one equality, so that the cost of an event does not grow with the runbooks that do not apply. */
export interface TriggerIndex {
  /** False when no trigger can hold, at the cost of a few look-ups. */
  concerns(event: Event): boolean;
  match(variables: EventVariables, complain?: Complain): Candidate[];
}

interface Bound {
  runbook: Runbook;
  trigger: Trigger;
  /** Its position among the triggers of the runbook: the first that holds counts. */
  position: number;
}

interface SourceIndex {
  /** label -> value -> triggers that need this value. */
  byLabel: Map<string, Map<string, Bound[]>>;
  /** Triggers without an equality to index by. */
  rest: Bound[];
}

/** `judged`: the triggers of changes that nothing permitted; else those of what arrives. */
export function createTriggerIndex(runbooks: Iterable<Runbook>, judged = false): TriggerIndex {
  const sources = new Map<string, SourceIndex>();
  for (const runbook of runbooks)
    for (const [position, trigger] of runbook.triggers.entries())
      if ((trigger.unpermitted === true) === judged) addTrigger(sources, { runbook, trigger, position });
  return {
    concerns(event) {
      if (event.test === true) return false;
      const index = sources.get(event.source);
      return index !== undefined && boundBy(index, event).next().done !== true;
    },
    match(variables, complain = () => {}) {
      const index = sources.get(variables.event.source);
      if (index === undefined || variables.event.test === true) return [];
      const holding = new Map<string, Bound>();
      const unknown = new Map<string, Bound & { because: string }>();
      for (const bound of boundBy(index, variables.event)) {
        const { id } = bound.runbook;
        if (isLater(bound, holding.get(id))) continue;
        const fault = faultOf(bound.trigger, variables);
        if (fault === null) holding.set(id, bound);
        else if (fault.failed) {
          complain(bound.runbook, fault.because);
          if (!isLater(bound, unknown.get(id))) unknown.set(id, { ...bound, because: fault.because });
        }
      }
      return [
        ...[...holding.values()].map(bound => candidateOf(bound, variables)),
        ...[...unknown.values()].filter(({ runbook }) => !holding.has(runbook.id)).map(unknownCandidate),
      ].sort((a, b) => (a.runbook.id < b.runbook.id ? -1 : 1));
    },
  };
}

function addTrigger(sources: Map<string, SourceIndex>, bound: Bound) {
  const { source, match } = bound.trigger;
  const index: SourceIndex = sources.get(source) ?? { byLabel: new Map(), rest: [] };
  sources.set(source, index);
  const key = indexKey(match);
  if (key === null) {
    index.rest.push(bound);
    return;
  }
  const values = index.byLabel.get(key.label) ?? new Map<string, Bound[]>();
  index.byLabel.set(key.label, values);
  for (const value of new Set(key.values)) values.set(value, [...(values.get(value) ?? []), bound]);
}

/** The clause that rules out most events at the cost of one look-up: an equality, else a list of values. */
function indexKey(match: readonly LabelMatch[]): { label: string; values: readonly string[] } | null {
  for (const one of match) if (one.kind === 'equals') return { label: one.label, values: [one.value] };
  for (const one of match) if (one.kind === 'in') return { label: one.label, values: one.values };
  return null;
}

function* boundBy(index: SourceIndex, event: Event): Generator<Bound, void> {
  for (const [label, values] of index.byLabel) yield* values.get(labelOf(event, label)) ?? [];
  yield* index.rest;
}

/** A label's value; a missing label reads as the empty string. */
export function labelOf(event: Event, label: string): string {
  const labels = event.body.labels;
  return Object.hasOwn(labels, label) ? (labels[label] ?? '') : '';
}

function isLater(bound: Bound, known: Bound | undefined): boolean {
  return known !== undefined && known.position <= bound.position;
}

function unknownCandidate({ runbook, trigger, because }: Bound & { because: string }): Candidate {
  return { runbook, trigger, params: null, failed: 'where', because };
}

function candidateOf({ runbook, trigger }: Bound, variables: EventVariables): Candidate {
  try {
    const params = runbook.params.parse(trigger.params(variables));
    return { runbook, trigger, params, failed: null, because: describe(trigger) };
  } catch (error) {
    return { runbook, trigger, params: null, failed: 'parameters', because: messageOf(error) };
  }
}

/** The first clause of a trigger that does not hold for the event, for people; null when all hold. A `where` that errors does not hold. */
export function failedClause(trigger: Trigger, variables: EventVariables): string | null {
  const fault = faultOf(trigger, variables);
  if (fault === null) return null;
  return fault.failed ? `where failed: ${fault.because}` : fault.because;
}

/** Why a trigger does not hold; `failed` when its `where` could not be evaluated, so that nobody knows. Null when it holds. */
function faultOf(trigger: Trigger, variables: EventVariables): { because: string; failed: boolean } | null {
  const because = falseClause(trigger, variables);
  if (because !== null) return { because, failed: false };
  if (trigger.where === null) return null;
  try {
    return trigger.where(variables) ? null : { because: `where is false: ${trigger.whereText}`, failed: false };
  } catch (error) {
    return { because: messageOf(error), failed: true };
  }
}

function falseClause(trigger: Trigger, variables: EventVariables): string | null {
  if (trigger.source !== variables.event.source) return `source is ${variables.event.source}, not ${trigger.source}`;
  const { kind } = variables.event.body;
  if (!takesKind(trigger.kind, kind)) return wrongKind(trigger.kind, kind);
  for (const one of trigger.match) {
    const value = labelOf(variables.event, one.label);
    if (!holds(one, value)) return `${one.label} is "${value}", not ${wanted(one)}`;
  }
  return null;
}

function wrongKind(wanted: EventKind | null, given: EventKind): string {
  return wanted === null
    ? `kind is ${given}, which only a trigger with kind: ${given} takes`
    : `kind is ${given}, not ${wanted}`;
}

/** True when all clauses hold for the labels of the event. */
export function matchesLabels(match: readonly LabelMatch[], event: Event): boolean {
  return match.every(one => holds(one, labelOf(event, one.label)));
}

function holds(match: LabelMatch, value: string): boolean {
  if (match.kind === 'equals') return value === match.value;
  return match.kind === 'in' ? match.values.includes(value) : match.test(value);
}

function wanted(match: LabelMatch): string {
  if (match.kind === 'equals') return `"${match.value}"`;
  return match.kind === 'in'
    ? `one of ${match.values.map(value => `"${value}"`).join(', ')}`
    : `matching ${match.pattern}`;
}

function describe(trigger: Trigger): string {
  const clauses = trigger.match.map(one => `${one.label} is ${wanted(one)}`);
  if (trigger.whereText !== null) clauses.push(trigger.whereText);
  return clauses.length === 0 ? `any ${trigger.kind ?? 'event'} of ${trigger.source}` : clauses.join(' and ');
}
