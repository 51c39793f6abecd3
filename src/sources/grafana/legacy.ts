import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { boundText, isMap, keyOf, labelsOf, linkOf, plainText, severityOf, titleOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import type { Options } from './options.ts';

const text = z.string().nullish().catch(null);

/** The webhook of the alerting of Grafana before 8, which 11 removed: one rule in one body, without a start. */
const payload = z.object({
  ruleId: z.union([z.number(), z.string()]),
  ruleName: text,
  ruleUrl: text,
  state: z.string(),
  title: text,
  message: text,
  imageUrl: text,
  orgId: z.union([z.number(), z.string()]).nullish().catch(null),
  evalMatches: z.array(z.unknown()).nullish().catch(null),
  tags: z.unknown().optional(),
});
type Legacy = z.infer<typeof payload>;

export const legacyFields = Object.keys(payload.shape);

/** `paused` ends it, and is no cure. Other states (`pending`, `unknown`) tell of no alert. */
const states: Readonly<Record<string, 'firing' | 'resolved'>> = {
  alerting: 'firing',
  no_data: 'firing',
  ok: 'resolved',
  paused: 'resolved',
};

/** Pure: the one event of a body in the old form; null for a body of any other form. */
export function normaliseLegacy(body: unknown, delivery: Delivery, given: Options): Normalised | null {
  if (!isMap(body) || body['alerts'] !== undefined) return null;
  const parsed = payload.safeParse(body);
  return parsed.success ? { events: [legacyEvent(parsed.data, delivery, given)], deliveryId: null } : null;
}

function legacyEvent(one: Legacy, { at }: Delivery, given: Options): IncomingEvent {
  const state = Object.hasOwn(states, one.state) ? states[one.state] : undefined;
  const labels = labelsOf({ ...tagsOf(one.tags), ...(one.ruleName ? { alertname: one.ruleName } : {}) });
  const common = {
    title: titleOf(one.state === 'no_data' ? `No data for ${one.ruleName ?? 'a rule'}` : null, one.ruleName, one.title),
    labels,
    links: [...linkOf('Rule', one.ruleUrl), ...linkOf('Image', one.imageUrl)],
    occurredAt: at,
  };
  // Its button Test sends a rule without a number.
  if (state === undefined || Number(one.ruleId) === 0) {
    return {
      kind: 'notice',
      type: state === undefined ? boundText(titleOf(`legacy ${one.state}`), 100) : 'test',
      ...common,
    };
  }
  const facts = { message: one.message, grafana_values: matchesOf(one), grafana_org_id: plainText(one.orgId) };
  return {
    kind: 'alert',
    state,
    fingerprint: keyOf(`rule:${plainText(one.orgId) ?? 1}/${one.ruleId}`),
    severity: severityOf(labels[given.severityLabel]) ?? 'warning',
    ...common,
    annotations: labelsOf(
      Object.fromEntries(Object.entries(facts).flatMap(([name, value]) => (value ? [[name, value]] : []))),
    ),
    startsAt: at,
    endsAt: state === 'resolved' ? at : null,
    ...(one.state === 'paused' ? { noCure: 'no evaluation found it well: its rule was paused' } : {}),
  };
}

function tagsOf(tags: unknown): Record<string, string> {
  const out: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(isMap(tags) ? tags : {})) {
    const told = plainText(value);
    if (told !== null && name !== '__proto__') out[name] = told;
  }
  return out;
}

/** `High value=100, Higher value=200`; null without matches. */
function matchesOf({ evalMatches }: Legacy): string | null {
  const texts = (evalMatches ?? []).flatMap(one =>
    isMap(one) ? [`${plainText(one['metric']) ?? 'value'}=${plainText(one['value']) ?? 'nothing'}`] : [],
  );
  return texts.length === 0 ? null : texts.join(', ');
}
