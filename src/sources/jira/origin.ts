import { z } from 'zod';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost, OriginTicket } from '../../ports/origin.ts';
import { carries } from '../webhook/mark.ts';
import { type Request, requesterOf, searchPath } from './api.ts';
import type { Options, TicketRule } from './options.ts';
import { asWords, commentOf, labelOf } from './own.ts';

/** Jira Cloud limits by cost and says how long to wait (Retry-After). Source: developer.atlassian.com, Jira Cloud, rate limiting. */
const perMinute = { tell: 30, page: 30 };
/** The longest summary, characters. Jira takes 255. */
const longestSummary = 250;
/**
 * The search of Jira Cloud may not know an issue for seconds to minutes after it was made. Source: developer.atlassian.com, search and
 * reconcile. For so long a ticket that is not found is looked for again, milliseconds, and so far apart.
 */
const settles = 10 * 60_000;
const apart = 30_000;
/** How many tickets are kept in mind. */
const mostKnown = 1000;

/** Tickets for alerts of all sources, where `tickets` asks for them. */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  const { tickets, url, apiToken } = given;
  if (tickets === undefined || url === undefined || apiToken === undefined) return null;
  const way: Way = {
    given,
    apiToken,
    root: url.replace(/\/+$/, ''),
    request: requesterOf(given, { fetch: host.reach([url]) }),
    known: new Map(),
    host,
  };
  return {
    perMinute,
    wantsTicket: alert => ruleOf(alert, way) !== null,
    ticket: ticket => open(ticket, way),
    ticketNote: (ticket, note) => comment(ticket, note, way),
    ticketDone: ticket => end(ticket, way),
  };
}

interface Way {
  given: Options;
  apiToken: string;
  root: string;
  request: Request;
  /** The keys of tickets by their labels. */
  known: Map<string, string>;
  host: OriginHost;
}

/** The first rule that holds. One that cannot be evaluated asks for no ticket. */
function ruleOf(alert: Alert, { given, host }: Way): TicketRule | null {
  for (const rule of given.tickets ?? []) {
    try {
      if (rule.when === undefined || rule.when.evaluate({ event: null, alert })) return rule;
    } catch (error) {
      host.log.warn({ err: error, alert: alert.id }, 'a rule for tickets could not be evaluated');
    }
  }
  return null;
}

const found = z.object({ issues: z.array(z.object({ key: z.string() })) });
const created = z.object({ key: z.string() });

async function findTicket({ alert, episode }: OriginTicket, way: Way): Promise<string | null> {
  const label = labelOf(way.apiToken, alert.id, episode);
  const known = way.known.get(label);
  if (known !== undefined) return known;
  const jql = `labels = "${label}" ORDER BY created ASC`;
  const query = new URLSearchParams({ jql, fields: 'status', maxResults: '1' });
  const [issue] = found.parse(await way.request('GET', `${searchPath(way.given)}?${query}`)).issues;
  if (issue === undefined) return null;
  keep(label, issue.key, way);
  return issue.key;
}

function keep(label: string, key: string, { known }: Way): void {
  known.set(label, key);
  const [oldest] = known.keys();
  if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
}

/**
 * Opens it once: it is looked for first. After a lost answer the next attempt waits until the search knows the ticket that may have been
 * made.
 */
async function open(ticket: OriginTicket, way: Way): Promise<string> {
  const { alert, episode } = ticket;
  const there = await findTicket(ticket, way);
  if (there === null && ticket.mayBeLeft === true)
    throw new TocsinError('origin-down', { message: 'Jira may not find yet what was opened.', retryAfter: apart });
  if (there !== null) return `The ticket ${there} is in Jira: ${way.root}/browse/${there}`;
  const rule = ruleOf(alert, way);
  if (rule === null) return 'No ticket is wanted any more';
  const label = labelOf(way.apiToken, alert.id, episode);
  const made = way.request('POST', '/issue', { fields: fieldsOf(ticket, rule, label) });
  const { key } = created.parse(await made.catch(waitLonger));
  keep(label, key, way);
  return `Opened the ticket ${key}: ${way.root}/browse/${key}`;
}

function waitLonger(error: unknown): never {
  if (!isCode(error, 'origin-down')) throw error;
  throw new TocsinError('origin-down', { message: error.message, retryAfter: apart, cause: error });
}

function fieldsOf({ alert, links }: OriginTicket, rule: TicketRule, label: string): object {
  const listed = (all: Readonly<Record<string, string>>) =>
    Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const lines = [
    alert.title,
    `Source: ${alert.source}, severity: ${alert.severity}, since ${new Date(alert.startsAt).toISOString()}`,
    '',
    ...listed(alert.labels),
    ...listed(alert.annotations),
    '',
    ...links.map(link => `${link.label}: ${link.url}`),
  ];
  return {
    ...rule.fields,
    project: { key: rule.project },
    issuetype: { name: rule.type },
    summary: cutText(visibleLine(alert.title), longestSummary),
    description: asWords(cutText(lines.join('\n'), 20_000)),
    labels: ['tocsin', label],
  };
}

/** Null for a ticket that is not there any more. One that was opened lately is only not found yet. */
async function ticketFor(ticket: OriginTicket, way: Way): Promise<string | null> {
  const key = await findTicket(ticket, way);
  if (key !== null || way.host.clock.now() - ticket.alert.firstSeen > settles) return key;
  throw new TocsinError('origin-down', { message: 'Jira does not find the ticket yet.', retryAfter: apart });
}

const comments = z.object({ comments: z.array(z.object({ body: z.string().nullish() })) });

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function comment(ticket: OriginTicket, note: { text: string; marker: string }, way: Way): Promise<string | null> {
  const key = await ticketFor(ticket, way);
  if (key === null) return null;
  const path = `/issue/${encodeURIComponent(key)}/comment`;
  const known = comments.parse(await way.request('GET', `${path}?orderBy=-created&maxResults=100`));
  if (known.comments.some(({ body }) => carries(body ?? '', note.marker))) return `The comment is on ${key} already`;
  await way.request('POST', path, { body: commentOf(note.text, note.marker, way.apiToken) });
  return `Wrote a comment on ${key}`;
}

const status = z.object({ name: z.string(), statusCategory: z.object({ key: z.string() }) });
const issue = z.object({ fields: z.object({ status }) });
const transitions = z.object({
  transitions: z.array(z.object({ id: z.string(), name: z.string(), to: status })),
});

async function end(ticket: OriginTicket, way: Way): Promise<string | null> {
  const key = await ticketFor(ticket, way);
  if (key === null) return null;
  const path = `/issue/${encodeURIComponent(key)}`;
  const now = issue.parse(await way.request('GET', `${path}?fields=status`)).fields.status;
  if (now.statusCategory.key === 'done') return `${key} is ${now.name} already`;
  const wanted = ruleOf(ticket.alert, way)?.done;
  const all = transitions.parse(await way.request('GET', `${path}/transitions`)).transitions;
  const step = all.find(({ name, to }) =>
    wanted === undefined
      ? to.statusCategory.key === 'done'
      : [name, to.name].some(one => one.toLowerCase() === wanted.toLowerCase()),
  );
  if (step === undefined) {
    const lacks = wanted === undefined ? 'leads to a status of the category Done' : `is or leads to ${wanted}`;
    throw new TocsinError('origin-refused', { message: `No transition of ${key} from ${now.name} ${lacks}.` });
  }
  await way.request('POST', `${path}/transitions`, { transition: { id: step.id } });
  return `Moved ${key} to ${step.to.name}`;
}
