import type { Labels, Rules } from './api.ts';

/** The rule behind an alert. */
export interface Rule {
  query: string;
  /** How long its condition has to hold before it fires, milliseconds. */
  pending: number;
  /** The labels of the alert that are of its series: those of the rule, of the name and of Prometheus itself are not. */
  own: Labels;
}

export type FoundRule = Rule | { because: string };

/**
 * Pure: finds the rule by the alert's name and labels. The labels of a rule may be templates, so its firing alerts tell it better, where
 * they are listed. `hint` is the expression that a proven sender named: of several rules it chooses one.
 */
export function findRule(groups: Rules, alert: Labels, hint: string | null): FoundRule {
  const name = alert['alertname'] ?? '';
  const named = groups.flatMap(({ rules }) => rules.filter(rule => rule.type === 'alerting' && rule.name === name));
  if (named.length === 0) return { because: `Prometheus has no rule of the name ${name}` };
  const fitting = named.filter(rule => holds(rule.labels ?? {}, alert));
  const rules = (fitting.length > 0 ? fitting : named).map(rule => {
    const ruled = new Set(['alertname', ...Object.keys(rule.labels ?? {})]);
    const fires = (rule.alerts ?? []).find(({ labels }) => holds(labels, alert));
    const own = Object.entries(fires?.labels ?? alert).filter(([label]) => !ruled.has(label));
    return {
      query: rule.query,
      pending: rule.duration * 1000,
      own: Object.fromEntries(own),
      fires: fires !== undefined,
    };
  });
  const firing = rules.filter(rule => rule.fires);
  const hinted = hint === null ? [] : rules.filter(rule => rule.query === hint);
  const chosen = hinted.length > 0 ? hinted : firing.length > 0 ? firing : rules;
  const [first] = chosen;
  if (first === undefined || new Set(chosen.map(rule => rule.query)).size > 1)
    return { because: `Prometheus has ${chosen.length} rules of the name ${name} that could be meant` };
  const { query, pending, own } = chosen.find(rule => rule.fires) ?? first;
  return { query, pending, own };
}

/** True when the alert has these labels; those that are templates are not known here. */
function holds(labels: Labels, alert: Labels): boolean {
  return Object.entries(labels).every(
    ([name, value]) => value === '' || value.includes('{{') || (alert[name] ?? '') === value,
  );
}
