import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { boundText, linkOf, severityOf, toldTime } from '../../model/incoming.ts';
import { isWatched } from './branches.ts';
import {
  alertOf,
  branchOf,
  type Condition,
  fingerprintOf,
  flag,
  type Hook,
  noticeOf,
  ownId,
  quietly,
  text,
} from './hook.ts';

/** What an action means for a finding. `dismissed`: somebody closed it, which cures nothing. Source: @octokit/openapi-webhooks. */
type Meaning = 'begins' | 'again' | 'fixed' | 'dismissed';
type Meanings = Readonly<Record<string, Meaning>>;

const finding = {
  number: ownId,
  state: text,
  html_url: text,
  created_at: text,
  updated_at: text,
  fixed_at: text,
  dismissed_at: text,
  dismissed_reason: text,
  auto_dismissed_at: text,
  resolved_at: text,
};
const common = z.object(finding);

const dependabotActions: Meanings = {
  created: 'begins',
  reopened: 'again',
  auto_reopened: 'again',
  reintroduced: 'again',
  fixed: 'fixed',
  dismissed: 'dismissed',
  auto_dismissed: 'dismissed',
};

const dependabotAlert = z.object({
  ...finding,
  dependency: z
    .object({
      package: z.object({ ecosystem: text, name: text }).nullish().catch(null),
      manifest_path: text,
      scope: text,
    })
    .nullish()
    .catch(null),
  security_advisory: z.object({ ghsa_id: text, cve_id: text, summary: text, severity: text }),
  security_vulnerability: z.object({ vulnerable_version_range: text, severity: text }).nullish().catch(null),
});

/** `dependabot_alert`: one alert for each number. Null for what does not fit. */
export function readDependabot(hook: Hook): IncomingEvent[] | null {
  const parsed = dependabotAlert.safeParse(hook.body['alert']);
  if (!parsed.success || hook.repository === null) return null;
  const { dependency, security_advisory: advisory, security_vulnerability: hole, ...one } = parsed.data;
  const name = dependency?.package?.name || 'a dependency';
  return eventsOf(hook, one, dependabotActions, [one.number], {
    title: `${name} in ${hook.repository.name}: ${advisory.summary || 'a vulnerability'}`,
    severity: severityOf(hole?.severity) ?? severityOf(advisory.severity) ?? 'warning',
    labels: {
      package: name,
      ecosystem: dependency?.package?.ecosystem,
      manifest: dependency?.manifest_path,
      scope: dependency?.scope,
      ghsa: advisory.ghsa_id,
      cve: advisory.cve_id,
    },
    annotations: { vulnerable: hole?.vulnerable_version_range },
    links: linkOf('Alert', one.html_url),
  });
}

const codeActions: Meanings = {
  created: 'begins',
  reopened: 'again',
  reopened_by_user: 'again',
  appeared_in_branch: 'again',
  fixed: 'fixed',
  closed_by_user: 'dismissed',
};

const instance = z.object({ ref: text, commit_sha: text }).nullish().catch(null);
const codeAlert = z.object({
  ...finding,
  rule: z.object({ id: text, name: text, description: text, severity: text, security_severity_level: text }),
  tool: z.object({ name: text }).nullish().catch(null),
  most_recent_instance: instance,
  instances: z.array(instance).max(1000).nullish().catch(null),
});

/** The most refs of one alert that a dismissal ends. */
const mostRefs = 20;

/**
 * `code_scanning_alert`: one alert for each number and ref, since what is fixed in a pull request is not fixed in the default branch. Null
 * for what does not fit.
 */
export function readCodeScanning(hook: Hook): IncomingEvent[] | null {
  const parsed = codeAlert.safeParse(hook.body['alert']);
  const about = hook.repository;
  if (!parsed.success || about === null) return null;
  const { rule, tool, most_recent_instance: recent, instances, ...one } = parsed.data;
  const seen = [text.parse(hook.body['ref']), recent?.ref, ...(instances ?? []).map(each => each?.ref)];
  const refs = [...new Set(seen.flatMap(ref => (ref ? [ref] : [])))];
  const home = about.defaultBranch === null ? null : `refs/heads/${about.defaultBranch}`;
  const ends = hook.action === 'closed_by_user' ? [...new Set([home, ...refs])].slice(0, mostRefs) : [refs[0] ?? home];
  const what = rule.description || rule.name || rule.id || 'a rule';
  const made = ends.map(ref => {
    const branch = branchOf(ref);
    const isOther = ref !== null && ref !== home;
    const condition = {
      title: `${tool?.name || 'Code scanning'} in ${about.name}: ${what}${isOther ? ` (${branch ?? ref})` : ''}`,
      severity: codeSeverity(rule.security_severity_level, rule.severity),
      labels: {
        rule: rule.id,
        tool: tool?.name,
        ref,
        branch,
        sha: text.parse(hook.body['commit_oid']) || recent?.commit_sha,
      },
      links: linkOf('Alert', one.html_url),
    };
    const key = [one.number, ...(isOther ? [ref] : [])];
    const isOn = ref === null || isWatched(hook.given, branch ?? ref, about.defaultBranch);
    return eventsOf(hook, one, codeActions, key, condition, isOn);
  });
  return made.some(events => events === null) ? null : made.flatMap(events => events ?? []);
}

/** `security_severity_level` is there for rules about security. Source: REST API, code scanning. */
function codeSeverity(level: string | null | undefined, severity: string | null | undefined): Condition['severity'] {
  return severityOf(level) ?? (severity === 'note' ? 'info' : severityOf(severity)) ?? 'warning';
}

const secretActions: Meanings = { created: 'begins', reopened: 'again', resolved: 'dismissed', revoked: 'fixed' };

const secretAlert = z.object({
  ...finding,
  secret_type: z.string().min(1),
  secret_type_display_name: text,
  validity: text,
  resolution: text,
  publicly_leaked: flag,
});

/** `secret_scanning_alert`: one alert for each number. Null for what does not fit, such as one of its locations. */
export function readSecretScanning(hook: Hook): IncomingEvent[] | null {
  const parsed = secretAlert.safeParse(hook.body['alert']);
  const about = hook.repository;
  if (!parsed.success || about === null || Object.hasOwn(hook.body, 'location')) return null;
  const {
    secret_type: type,
    secret_type_display_name: shown,
    validity,
    resolution,
    publicly_leaked,
    ...one
  } = parsed.data;
  const actions: Meanings = resolution === 'revoked' ? { ...secretActions, resolved: 'fixed' } : secretActions;
  const reason = one.dismissed_reason ?? resolution;
  return eventsOf(hook, { ...one, dismissed_reason: reason }, actions, [one.number], {
    title: `A secret in ${about.name}: ${shown || type}`,
    severity: hook.given.severity.secret,
    labels: { secret_type: type, validity, resolution, publicly_leaked },
    links: linkOf('Alert', one.html_url),
  });
}

type Described = Pick<Condition, 'title' | 'severity' | 'labels' | 'annotations' | 'links'>;

function eventsOf(
  hook: Hook,
  one: z.infer<typeof common>,
  actions: Meanings,
  key: readonly string[],
  condition: Described,
  isOn = true,
): IncomingEvent[] | null {
  const { action, at, repository: about } = hook;
  if (about === null) return null;
  const meaning = action !== null && Object.hasOwn(actions, action) ? actions[action] : undefined;
  const facts = { number: one.number, state: one.state, created_at: one.created_at, updated_at: one.updated_at };
  const labels = { ...condition.labels, ...facts };
  const told = { labels, links: condition.links, about: fingerprintOf(hook.name, about, key) };
  const says = `${condition.title}: ${action?.replaceAll('_', ' ') ?? 'news'}`;
  const begins = meaning === 'begins' || meaning === 'again';
  // What appears in another branch may have been dismissed before.
  const isOpen = !one.state || one.state === 'open';
  if (meaning === undefined || (begins && !isOpen)) return [noticeOf(hook, says, told)];
  if (!isOn) return quietly(hook, says, told);
  const created = toldTime(one.created_at, at);
  const news = newsOf(meaning, one, at);
  return [
    alertOf(hook, about, {
      ...condition,
      key,
      state: begins ? 'firing' : 'resolved',
      labels,
      start: meaning === 'again' ? news : created,
      order: news,
      happened: news,
      noCure: meaning === 'dismissed' ? noCureOf(one.dismissed_reason) : null,
    }),
  ];
}

/** When the news was made. A time of creation is none for what happened later. */
function newsOf(meaning: Meaning, one: z.infer<typeof common>, at: number): number | null {
  const candidates: Readonly<Record<Meaning, readonly (string | null | undefined)[]>> = {
    begins: [one.created_at],
    again: [one.updated_at],
    fixed: [one.fixed_at, one.resolved_at, one.updated_at],
    dismissed: [one.dismissed_at, one.auto_dismissed_at, one.resolved_at, one.updated_at],
  };
  const told = candidates[meaning].map(text => toldTime(text, at)).find(time => time !== null);
  return told ?? null;
}

function noCureOf(reason: string | null | undefined): string {
  return boundText(`it was closed at GitHub, not fixed${reason ? `: ${reason.replaceAll('_', ' ')}` : ''}`, 500);
}
