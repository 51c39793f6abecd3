import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { linkOf, severityOf } from '../../model/incoming.ts';
import { alertOf, flag, type Hook, readTime, text } from './hook.ts';

/** Source: docs.gitlab.com, webhook events, vulnerability events; vulnerability status values. */
const states: Readonly<Record<string, 'firing' | 'resolved'>> = {
  detected: 'firing',
  confirmed: 'firing',
  resolved: 'resolved',
  dismissed: 'resolved',
};

const vulnerability = z.object({
  url: text,
  title: text,
  state: z.string().min(1),
  severity: text,
  report_type: text,
  identifiers: z.array(z.object({ name: text }).catch({ name: null })).catch([]),
  location: z.object({ file: text }).catch({ file: null }),
  auto_resolved: flag,
  updated_at: z.unknown().optional(),
  created_at: z.unknown().optional(),
});

/** `vulnerability`: one alert for each; its number stands only in its address. Null for what does not fit. */
export function readVulnerability(hook: Hook): IncomingEvent[] | null {
  const parsed = vulnerability.safeParse(hook.told);
  const { project } = hook;
  if (!parsed.success) return null;
  const found = parsed.data;
  const state = Object.hasOwn(states, found.state) ? states[found.state] : undefined;
  const [, number = null] = /\/-\/security\/vulnerabilities\/(\d{1,20})$/.exec(found.url ?? '') ?? [];
  if (state === undefined || number === null || project === null) return null;
  const changed = readTime(found.updated_at, hook.at);
  return [
    alertOf(hook, project, {
      key: [number],
      state,
      title: `${found.title ?? 'A vulnerability'} in ${project.path}`,
      severity: severityOf(found.severity) ?? 'warning',
      labels: {
        number,
        state: found.state,
        severity: found.severity,
        report: found.report_type,
        identifiers: found.identifiers
          .slice(0, 10)
          .flatMap(({ name }) => name ?? [])
          .join(', '),
        file: found.location.file,
        auto_resolved: found.auto_resolved,
        created_at: text.parse(found.created_at),
      },
      links: linkOf('Vulnerability', found.url),
      order: changed,
      happened: changed,
      noCure: found.state === 'dismissed' ? 'somebody dismissed it' : null,
    }),
  ];
}
