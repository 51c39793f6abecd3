import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, keyPart, labelsOf, linkOf, severityOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { examples } from './examples.ts';

const options = z.strictObject({
  ...proofOptions,
  ...timingOptions,
  by: z.array(z.string().min(1).max(100)).max(8).default([]).meta({
    description:
      'Fields of the result that tell conditions of one search apart, such as host. Then let the alert trigger for each result.',
  }),
  recovered: z.string().min(1).max(100).default(' recovered').meta({
    description:
      'How the names of saved searches end that find the end of what another one finds: `Disk full recovered` resolves what `Disk full` opened.',
  }),
});
type Options = z.infer<typeof options>;

/** What the alert action webhook posts: of several results only the first. Source: docs.splunk.com, alerting manual, webhooks. */
const body = z.looseObject({
  sid: z.string().min(1),
  search_name: text,
  app: text,
  owner: text,
  results_link: text,
  result: z.record(z.string(), z.unknown()).nullish().catch(null),
});
type Body = z.infer<typeof body>;

export default defineSender<Options, Body>({
  id: 'splunk',
  name: 'Splunk',
  about:
    'Alerts of saved searches of Splunk, from its alert action webhook. It tells no end: a second search named like the first, with ` recovered` after it, does.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'the alert action webhook, with sid and search_name',
  remedy: 'Take the alert action Webhook of a saved search; a source of the type webhook takes any other JSON.',
  setup: {
    options: { header: { name: 'X-Tocsin-Token', value: '{secret}' } },
    secret: 'ours',
    steps: [
      'Splunk sends no header of yours: let a proxy on its side add X-Tocsin-Token with the value {secret}, or remove header from tocsin.yaml; then nothing runs by itself.',
      'Save the search as an alert, Trigger For each result, action Webhook with the URL {url} or that of the proxy.',
    ],
    page: 'docs/alert-services.md#splunk',
  },
  examples,
  read: (given, delivery, own) => ({ events: [eventOf(given, delivery, own)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery, own: Options): IncomingEvent {
  const newsAt = newsTime(timeOfSearch(given.sid), delivery.at);
  const at = newsAt ?? delivery.at;
  const fields = fieldsOf(given.result);
  const links = linkOf('Results', given.results_link);
  const labels = labelsOf({
    ...present({ app: given.app, owner: given.owner, search: given.search_name }),
    ...withoutInner(fields),
  });
  const name = given.search_name;
  // A search that nobody saved has no name, and so no identity.
  if (name === null) {
    const title = titleOf(fields['_raw'], 'A search of Splunk without a name found something');
    return { kind: 'notice', type: 'search', title, labels, links, occurredAt: at };
  }
  const resolved = name.endsWith(own.recovered) && name.length > own.recovered.length;
  const condition = resolved ? name.slice(0, -own.recovered.length) : name;
  // What stands in a log must not be able to name another condition than its own.
  const group = own.by.map(field => `${field}=${keyPart(fields[field] ?? '')}`);
  return {
    kind: 'alert',
    state: resolved ? 'resolved' : 'firing',
    fingerprint: keyOf([given.app ?? '', condition, ...group].join('/')),
    title: titleOf([condition, ...own.by.flatMap(field => fields[field] ?? [])].join(': ')),
    severity: severityOf(fields['severity'] ?? fields['urgency']) ?? 'warning',
    labels,
    annotations: labelsOf(present({ description: fields['_raw'], splunk_sid: given.sid })),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: resolved ? at : null,
    occurredAt: at,
  };
}

/** When a scheduled search ran stands in its id, in seconds: `scheduler__admin__search__RMD5…_at_1795604400_132`. Null without it. */
function timeOfSearch(sid: string): number | null {
  const found = /_at_(\d{10})_/.exec(sid);
  return found === null ? null : Number(found[1]) * 1000;
}

/** The fields of the result that are texts; of a field with several values the values behind commas. */
function fieldsOf(result: Body['result']): Record<string, string> {
  const all = Object.entries(result ?? {}).map(([name, value]) => {
    const values = Array.isArray(value) ? value.map(one => text.parse(one)).filter(one => one !== null) : null;
    return [name, values === null ? text.parse(value) : values.join(', ')];
  });
  return present(Object.fromEntries(all));
}

/** Without Splunk's own fields, which begin with an underscore. */
function withoutInner(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith('_')));
}
