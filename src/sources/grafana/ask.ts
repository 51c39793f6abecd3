import { z } from 'zod';
import type { Labels } from '../../model/event.ts';
import { labelsOf } from '../../model/incoming.ts';
import type { AskTools } from '../../ports/source.ts';
import { type Api, type Asked, ask, type Requests } from '../alertmanager/api.ts';
import { withoutPrivate } from './alerts.ts';
import type { Options } from './options.ts';

/** The states of all rules. Source: grafana pkg/services/ngalert/api/prometheus (RouteGetAlertStatuses). */
const states = z.object({
  data: z.object({
    alerts: z.array(z.object({ labels: z.record(z.string(), z.string()), state: z.string() })).nullish(),
  }),
});

/** The Alertmanager in Grafana. Source: grafana pkg/services/ngalert/api/tooling/definitions/alertmanager.go. */
export function apiOf(given: Options): Api {
  const root = given.url?.replace(/\/+$/, '') ?? '';
  const token: Record<string, string> =
    given.apiToken === undefined ? {} : { authorization: `Bearer ${given.apiToken}` };
  const requests: Requests = {
    name: 'Grafana',
    base: `${root}/api/alertmanager/grafana/api/v2`,
    headers: { ...token, ...given.headers },
  };
  return {
    ...requests,
    receivers: `${root}/api/alertmanager/grafana/config/api/v1/receivers`,
    doubt: (asked, _at, tools) => doubtOf(asked, root, requests, tools),
  };
}

/**
 * Its Alertmanager forgets all alerts at a restart and hears of each again when the rule is evaluated next; it says nothing of when it
 * began. The states of the rules are kept in the database. So what fires by its rule and is not listed is not over.
 */
async function doubtOf(asked: Asked, root: string, api: Requests, tools: AskTools): Promise<string | null> {
  const firing = await firingByRule(root, api, tools);
  if ('absent' in asked) return firing.has(keyOf(asked.absent.labels)) ? notListedYet : null;
  const listed = new Set(asked.listed.map(labels => keyOf(labelsOf(withoutPrivate(labels)))));
  return [...firing].some(key => !listed.has(key)) ? notListedYet : null;
}

const notListedYet =
  'a rule of Grafana fires that its Alertmanager does not list: it started a moment ago, or is told nothing';

/** The labels as the Alertmanager of Grafana has them, of all that fires by its rule. */
async function firingByRule(root: string, api: Requests, tools: AskTools): Promise<ReadonlySet<string>> {
  const { body } = await ask(`${root}/api/prometheus/grafana/api/v1/alerts`, api, tools);
  const firing = (states.parse(body).data.alerts ?? []).flatMap(({ labels, state }) => {
    const sent = sentLabels(labels, state);
    return sent === null ? [] : [keyOf(labelsOf(withoutPrivate(sent)))];
  });
  return new Set(firing);
}

/** Null for a state that sends no alert. A state may have a reason in brackets behind it: `Alerting (NoData)`. */
function sentLabels(labels: Labels, state: string): Labels | null {
  switch (state.split(' ')[0]) {
    case 'Alerting':
    case 'Recovering':
      return labels;
    case 'NoData':
      return { ...labels, rulename: labels['alertname'] ?? '', alertname: 'DatasourceNoData' };
    case 'Error':
      return { ...labels, rulename: labels['alertname'] ?? '', alertname: 'DatasourceError' };
    default:
      return null;
  }
}

/** An Alertmanager drops labels without a value; the state of a rule keeps them. */
function keyOf(labels: Labels): string {
  const valued = Object.entries(labels).filter(([, value]) => value !== '');
  return JSON.stringify(valued.sort(([one], [other]) => (one < other ? -1 : 1)));
}
