import { z } from 'zod';
import { reference } from './incident.ts';

const text = z.string().nullish().catch(null);
const named = reference.catch(null);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).catch([]).default([]);
const fields = listOf(z.object({ name: text, value: z.unknown().optional() }));

/**
 * `data` of the events that change no incident's state. Each field is read by itself, so that one of another shape hides no other.
 * Source: PagerDuty developer-docs docs/webhooks, with the types of its early access page.
 */
const noticed = z.object({
  id: text,
  type: text,
  html_url: text,
  title: text,
  name: text,
  summary: text,
  description: text,
  content: text,
  message: text,
  status: text,
  state: text,
  incident: named,
  service: named,
  user: named,
  escalation_policy: named,
  action: named,
  incident_workflow: named,
  assignees: listOf(named),
  incident_role_assignments: listOf(
    z.object({ incident: named, role: named, assignee: named, old_assignee: named, status: text }),
  ),
  custom_fields: fields,
  changed_custom_fields: fields,
  conference_url: text,
  conference_numbers: listOf(z.object({ label: text, number: text })),
});
type Noticed = z.infer<typeof noticed>;

export interface Notice {
  /** The incident that it is about, as far as it says: id, summary and address. */
  incident: { id: string | null; summary: string | null; url: string | null };
  /** What it says, after the summary of what it is about; empty when it says nothing. */
  words: string;
  url: string | null;
  /** The address of the conference bridge. */
  bridge: string | null;
}

/** Pure: what a notice is about and what it says. Anything may be `data`. */
export function readNotice(type: string, data: unknown): Notice {
  const parsed = noticed.safeParse(data ?? {});
  const about = parsed.success ? parsed.data : noticed.parse({});
  const incident = about.incident ?? about.incident_role_assignments.find(one => one.incident?.id)?.incident ?? null;
  const isIncident = about.type === 'incident';
  const says = Object.hasOwn(words, type) ? words[type] : undefined;
  const subject = incident?.summary ?? (isIncident ? about.title : null) ?? about.service?.summary ?? '';
  const said = (says ?? anyWords)(about).trim();
  return {
    incident: {
      id: incident?.id || (isIncident ? (about.id ?? null) : null) || null,
      summary: subject === '' ? null : subject,
      url: incident?.html_url ?? null,
    },
    words: said === subject ? '' : said,
    url: about.html_url ?? null,
    bridge: about.conference_url ?? null,
  };
}

/** The words by event type. A type that is not here says what `anyWords` finds. */
const words: Readonly<Record<string, (about: Noticed) => string>> = {
  'incident.annotated': about => about.content ?? '',
  'incident.status_update_published': about => about.message ?? '',
  'incident.responder.added': about => `${responderOf(about)} is asked to help${after(about.message)}`,
  'incident.responder.replied': about => `${responderOf(about)} ${replyOf(about.state)}${after(about.message)}`,
  'incident.role.assigned': about => joined(about.incident_role_assignments.map(roleWords), '; '),
  'incident.custom_field_values.updated': fieldWords,
  'service.custom_field_values.updated': fieldWords,
  'incident.conference_bridge.updated': bridgeWords,
  'incident.task.created': taskWords,
  'incident.task.updated': taskWords,
  'incident.task.completed': taskWords,
  'incident.action_invocation.created': actionWords,
  'incident.action_invocation.updated': actionWords,
  'incident.action_invocation.terminated': actionWords,
  'incident.workflow.started': about => `${workflowOf(about)} started`,
  'incident.workflow.completed': about => `${workflowOf(about)} is completed`,
};

function anyWords(about: Noticed): string {
  const said = [about.content, about.message, about.summary, about.name, about.title];
  return said.find(one => one != null && one.trim() !== '') ?? '';
}

function responderOf(about: Noticed): string {
  return nameOf(about.user) ?? nameOf(about.escalation_policy) ?? 'Somebody';
}

function replyOf(state: string | null | undefined): string {
  return state ? (state === 'pending' ? 'has not answered yet' : state.replaceAll('_', ' ')) : 'replied';
}

function taskWords(about: Noticed): string {
  const people = joined(about.assignees.map(one => nameOf(one) ?? ''));
  const facts = joined([about.status?.replaceAll('_', ' ') ?? '', people === '' ? '' : `for ${people}`]);
  return `${about.name || about.summary || 'a task'}${facts === '' ? '' : ` (${facts})`}${after(about.description)}`;
}

function roleWords(one: Noticed['incident_role_assignments'][number]): string {
  const role = nameOf(one.role) ?? 'a role';
  const [now, before] = [nameOf(one.assignee), nameOf(one.old_assignee)];
  // An event of this type also tells that a role was taken away.
  const gone = now === null || (one.status != null && one.status !== 'active');
  if (gone) return `${role}: nobody${was(before ?? now)}`;
  return `${role}: ${now}${was(before === now ? null : before)}`;
}

/** `custom_fields` has the values as they are now, `changed_custom_fields` as they were. */
function fieldWords(about: Noticed): string {
  const now = new Map(about.custom_fields.map(one => [one.name, shownValue(one.value)]));
  const changed = about.changed_custom_fields.map(one => {
    const [value, before] = [now.get(one.name) ?? 'nothing', shownValue(one.value)];
    return `${one.name ?? 'a field'}: ${value}${was(value === before ? null : before)}`;
  });
  return joined(changed.length > 0 ? changed : [...now].map(([name, value]) => `${name ?? 'a field'}: ${value}`), '; ');
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'nothing';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 0 ? 'nothing' : joined(value.map(shownValue));
  return JSON.stringify(value);
}

function bridgeWords(about: Noticed): string {
  const numbers = about.conference_numbers.map(one => `${one.label ? `${one.label} ` : ''}${one.number ?? ''}`.trim());
  return joined([about.conference_url ?? '', ...numbers]) || 'there is no conference bridge any more';
}

function actionWords(about: Noticed): string {
  return `${nameOf(about.action) ?? 'an action'}${after(about.state?.replaceAll('_', ' '))}`;
}

function workflowOf(about: Noticed): string {
  return nameOf(about.incident_workflow) ?? (about.summary || 'a workflow');
}

function nameOf(one: z.infer<typeof reference>): string | null {
  return one?.summary || one?.id || null;
}

function was(before: string | null): string {
  return before === null ? '' : ` (was ${before})`;
}

function after(said: string | null | undefined): string {
  return said != null && said.trim() !== '' ? `: ${said.trim()}` : '';
}

/** How many things of a list are named at most. */
const mostNamed = 20;

function joined(all: readonly string[], by = ', '): string {
  const present = all.filter(one => one !== '');
  const rest = present.length - mostNamed;
  return [...present.slice(0, mostNamed), ...(rest > 0 ? [`${rest} more`] : [])].join(by);
}
