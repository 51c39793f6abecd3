import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost, OriginTicket } from '../../ports/origin.ts';
import { labelOf } from '../jira/own.ts';
import { carries, type Mark, markWith } from '../webhook/mark.ts';
import { type Request, requesterOf } from './api.ts';
import type { Options, TicketRule } from './options.ts';

/** An instance limits requests by rules of its own and answers 429 with Retry-After. Source: docs.servicenow.com, inbound REST API rate limiting. */
const perMinute = { tell: 30, page: 30 };
/** The longest texts, characters. Source: docs.servicenow.com, task: short_description 160, description 4000, work_notes 4000. */
const longest = { summary: 160, text: 4000 };

/** Tickets for alerts of all sources, where `tickets` asks for them. */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  const { tickets, url, password } = given;
  if (tickets === undefined || url === undefined || password === undefined) return null;
  const way: Way = {
    given,
    password,
    request: requesterOf(given, { fetch: host.reach([url]) }),
    mark: markWith(password),
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
  password: string;
  request: Request;
  mark: Mark;
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

const record = z.object({ sys_id: z.string().regex(/^[0-9a-f]{32}$/), number: z.string(), state: z.string() });
type Ticket = z.infer<typeof record>;
const fields = 'sysparm_fields=sys_id,number,state';

/** The table is asked itself, and not an index that lags behind. */
async function findTicket({ alert, episode }: OriginTicket, { request, password }: Way): Promise<Ticket | null> {
  const query = encodeURIComponent(`correlation_id=${labelOf(password, alert.id, episode)}`);
  const answer = await request('GET', `?sysparm_query=${query}&${fields}&sysparm_limit=1`);
  return z.object({ result: z.array(record) }).parse(answer).result[0] ?? null;
}

/** Idempotent: looks for the correlation id first, because an earlier attempt may have succeeded although its response was lost. */
async function open(ticket: OriginTicket, way: Way): Promise<string> {
  const there = await findTicket(ticket, way);
  if (there !== null) return `The ticket ${there.number} is in ServiceNow: ${pageOf(there, way)}`;
  const rule = ruleOf(ticket.alert, way);
  if (rule === null) return 'No ticket is wanted any more';
  const answer = await way.request('POST', `?${fields}`, fieldsOf(ticket, rule, way));
  const { result } = z.object({ result: record }).parse(answer);
  return `Opened the ticket ${result.number}: ${pageOf(result, way)}`;
}

function pageOf({ sys_id }: Ticket, { given }: Way): string {
  return `${(given.url ?? '').replace(/\/+$/, '')}/${given.table}.do?sys_id=${sys_id}`;
}

function fieldsOf({ alert, episode, links }: OriginTicket, rule: TicketRule, { password }: Way): object {
  const listed = (all: Readonly<Record<string, string>>) =>
    Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const lines = [
    alert.title,
    `Source: ${alert.source}, severity: ${alert.severity}, since ${new Date(alert.startsAt).toISOString()}`,
    ...links.map(link => `${link.label}: ${link.url}`),
    ...listed(alert.labels),
    ...listed(alert.annotations),
  ];
  return {
    ...rule.fields,
    short_description: cutText(visibleLine(alert.title), longest.summary),
    description: cutText(lines.join('\n'), longest.text),
    correlation_id: labelOf(password, alert.id, episode),
    correlation_display: 'Tocsin',
  };
}

/** Idempotent: the journal of a ticket comes with all its notes when its display value is asked for. */
async function comment(ticket: OriginTicket, note: { text: string; marker: string }, way: Way): Promise<string | null> {
  const there = await findTicket(ticket, way);
  if (there === null) return null;
  const answer = await way.request('GET', `/${there.sys_id}?sysparm_fields=work_notes&sysparm_display_value=true`);
  const { work_notes } = z.object({ result: z.object({ work_notes: z.string() }) }).parse(answer).result;
  if (carries(work_notes, note.marker)) return `The note is on ${there.number} already`;
  const words = plain(note.text);
  await way.request('PATCH', `/${there.sys_id}?${fields}`, {
    work_notes: way.mark.sign(words, note.marker, longest.text),
  });
  return `Wrote a note on ${there.number}`;
}

/** Between `[code]` and `[/code]` a note is HTML. Source: docs.servicenow.com, journal fields. */
function plain(text: string): string {
  return text.replaceAll(/\[(\/?code)\]/gi, '( $1 )');
}

/** Resolved, closed, canceled. Source: docs.servicenow.com, incident states. */
const over = new Set(['6', '7', '8']);

async function end(ticket: OriginTicket, way: Way): Promise<string | null> {
  const there = await findTicket(ticket, way);
  if (there === null) return null;
  if (over.has(there.state)) return `${there.number} is over in ServiceNow already`;
  const change = { state: '6', close_code: way.given.closeCode, close_notes: 'The alert is over, as Tocsin heard.' };
  const answer = await way.request('PATCH', `/${there.sys_id}?${fields}`, change);
  const { result } = z.object({ result: record }).parse(answer);
  // A business rule or a data policy may take a change back without an error.
  if (!over.has(result.state))
    throw new TocsinError('origin-refused', {
      message: `${there.number} did not become resolved: a rule of the instance, or its closeCode, does not allow it.`,
    });
  return `Resolved ${there.number}`;
}
