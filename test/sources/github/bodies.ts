import { type Alert, type Effect, effectOf, foldAlert } from '../../../src/model/alert.ts';
import { type IncomingAlert, type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import type { Normalised } from '../../../src/ports/source.ts';
import source from '../../../src/sources/github/index.ts';
import { delivery, take } from '../helpers.ts';

export const about = {
  repository: { id: 7, full_name: 'acme/shop', default_branch: 'main', html_url: 'https://github.com/acme/shop' },
  organization: { login: 'acme' },
  sender: { login: 'dana' },
};
const own = { id: 7, full_name: 'acme/shop' };

/** What a delivery of this event becomes; each event is as the schema has it. */
export function hear(event: string, body: object, options: object = {}, at?: number): Normalised {
  const given = delivery(JSON.stringify({ ...about, ...body }), { 'X-GitHub-Event': event }, at);
  const made = take(source, given, options);
  for (const one of made.events) incomingEvent.parse(one);
  return made;
}

/** Without the changes beside them. */
export const eventsOf = (event: string, body: object, options: object = {}): IncomingEvent[] =>
  hear(event, body, options).events.filter(({ kind }) => kind !== 'change');

export const changesOf = (event: string, body: object, options: object = {}): IncomingEvent[] =>
  hear(event, body, options).events.filter(({ kind }) => kind === 'change');

/** `10:00` of a day, as GitHub writes it. */
export const time = (text: string) => `2026-11-20T${text}${text.length === 5 ? ':00' : ''}Z`;

export function run(created: string, ended: string, conclusion: string | null, more: object = {}): object {
  const made = {
    id: Number(created.replaceAll(':', '')),
    workflow_id: 5,
    name: 'ci',
    head_branch: 'main',
    head_sha: 'a'.repeat(40),
    head_repository: own,
    run_attempt: 1,
    conclusion,
    created_at: time(created),
    updated_at: time(ended),
    ...more,
  };
  return { action: 'completed', workflow_run: made };
}

export function suite(created: string, ended: string, conclusion: string | null, more: object = {}): object {
  const app = { id: 3, slug: 'lint', name: 'Lint' };
  const times = { created_at: time(created), updated_at: time(ended) };
  return { action: 'completed', check_suite: { id: 1, head_branch: 'main', conclusion, app, ...times, ...more } };
}

export function deploy(created: string, told: string, state: string, more: object = {}): object {
  return {
    action: 'created',
    deployment: { id: 9, sha: 'b'.repeat(40), ref: 'main', task: 'deploy', created_at: time(created), ...more },
    deployment_status: { id: 1, state, environment: 'production', created_at: time(told) },
  };
}

/** The alert after these events, in the order in which they arrive, and what each did. */
export function fold(events: readonly IncomingEvent[]): { alert: Alert | null; effects: Effect[] } {
  let alert: Alert | null = null;
  const effects: Effect[] = [];
  for (const [index, body] of events.filter((event): event is IncomingAlert => event.kind === 'alert').entries()) {
    const effect = effectOf(alert, body);
    const event = { id: `evt_${index}`, source: 'github', receivedAt: index, raw: null, trusted: true, body };
    alert = foldAlert(alert, event, effect, 'alt_1', effect === 'reopened' ? { quiet: true } : {});
    effects.push(effect);
  }
  return { alert, effects };
}
