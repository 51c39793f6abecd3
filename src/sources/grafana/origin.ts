import { z } from 'zod';
import { isCode } from '../../kernel/errors.ts';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import { cutText } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import type { Labels } from '../../model/event.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { silencesOf } from '../alertmanager/silences.ts';
import { apiOf } from './ask.ts';
import type { Options } from './options.ts';

/** Grafana documents no limit; a note takes up to three requests. */
const perMinute = { tell: 60, page: 60 };
/** The longest text of an annotation, characters. */
const longest = 4000;

/** Outcomes as annotations, where `annotate` is set, and silences, where `silences` is. Nothing is acknowledged: Grafana has no such thing. */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (given.url === undefined || (given.annotate !== true && given.silences !== true)) return null;
  const root = given.url.replace(/\/+$/, '');
  const api = apiOf(given);
  const origin: OriginApi = {
    name: 'Grafana',
    fetch: host.reach([root]),
    refusedKey: {
      because: 'The token is not valid.',
      remedy: 'Correct apiToken of the source in tocsin.yaml: Grafana, Administration, Service accounts.',
    },
  };
  return {
    perMinute,
    ...(given.annotate === true ? { note: noteWriter(root, api.headers, origin, host) } : {}),
    ...(given.silences === true ? silencesOf({ api, ...origin, clock: host.clock, more: ruleOf }) : {}),
  };
}

/**
 * The private label of its rule. With it a silence belongs to the rule, which needs less: the right to silence in the folder of the rule
 * (alert.silences:create, alert.silences:write) and not in the whole organisation (alert.instances:create, alert.instances:write). An alert of
 * another rule with the same labels is not silenced. Source: grafana docs, alerting, configure RBAC (access-roles, access-folders).
 */
function ruleOf({ annotations }: Alert): Labels {
  const uid = annotations['grafana_rule_uid'] ?? '';
  return uid === '' ? {} : { __alert_rule_uid__: uid };
}

function noteWriter(
  root: string,
  headers: Readonly<Record<string, string>>,
  origin: OriginApi,
  { clock }: OriginHost,
): NonNullable<OriginConnection['note']> {
  const request: Request = (method, path, body) =>
    requestOrigin(
      root + path,
      {
        method,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );
  return (alert, note) => annotate(alert, note, clock.now(), request);
}

type Request = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

const found = z.array(z.object({ tags: z.array(z.string()).nullish() }));

/** Idempotent: looks for the tag first, because an earlier attempt may have succeeded although its response was lost. */
async function annotate(
  alert: Alert,
  note: { text: string; marker: string },
  at: number,
  request: Request,
): Promise<string> {
  // A colon would split a tag in two.
  const marker = `tocsin-${note.marker.replaceAll(':', '-')}`.slice(0, 100);
  const known = found.parse(await request('GET', `/api/annotations?limit=1&tags=${encodeURIComponent(marker)}`));
  if (known.some(({ tags }) => tags?.includes(marker))) return 'The annotation is in Grafana already';
  const annotation = { time: at, tags: ['tocsin', marker], text: escaped(cutText(note.text, longest)) };
  const panel = panelOf(alert);
  if (panel === null) {
    await request('POST', '/api/annotations', annotation);
    return 'Wrote an annotation in Grafana';
  }
  try {
    await request('POST', '/api/annotations', { ...annotation, ...panel });
    return 'Wrote an annotation on the dashboard in Grafana';
  } catch (error) {
    // The dashboard may be gone, or not be the token's to write on.
    if (!isCode(error, 'origin-refused')) throw error;
    await request('POST', '/api/annotations', annotation);
    return 'Wrote an annotation in Grafana, but not on the dashboard of the alert';
  }
}

/** The dashboard and panel of its links, as the contact point sent them. */
function panelOf({ links }: Alert): { dashboardUID: string; panelId?: number } | null {
  const url = URL.parse(links.find(({ label }) => label === 'Panel' || label === 'Dashboard')?.url ?? '');
  const panelUrl = URL.parse(links.find(({ label }) => label === 'Panel')?.url ?? '');
  const dashboardUID = /\/d\/([A-Za-z0-9_-]{1,40})(\/|$)/.exec(url?.pathname ?? '')?.[1];
  if (dashboardUID === undefined) return null;
  const panel = /^(?:panel-)?(\d{1,9})$/.exec(panelUrl?.searchParams.get('viewPanel') ?? '')?.[1];
  return { dashboardUID, ...(panel === undefined ? {} : { panelId: Number(panel) }) };
}

/** Grafana shows the text as HTML. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
