import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, keyPart, labelsOf, severityOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { charsetIn } from '../webhook/charset.ts';
import { readForm } from '../webhook/form.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { testOf } from './events.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** The fields that deploy/monit/tocsin-monit sends. Source of the variables behind them: mmonit.com, Monit manual, environment. */
const body = z.looseObject({
  host: z.string().trim().min(1),
  service: z.string().trim().min(1),
  event: z.string().trim().min(1),
  description: text,
  severity: text,
  time: text,
  date: text,
  status: text,
  pid: text,
});
type Body = z.infer<typeof body>;

export default defineSender<z.infer<typeof options>, Body>({
  id: 'monit',
  name: 'the script for Monit',
  about:
    'Tests of Monit, from `exec` with the script of deploy/monit. Each test of a service is an alert; its end is told where the check says `else if succeeded`.',
  options,
  contentTypes: ['application/x-www-form-urlencoded'],
  // Monit hands on the bytes of what it tests, in whatever charset they are.
  parse: ({ headers, body: bytes }) => readForm(bytes, { told: charsetIn(headers['content-type']), option: 'latin1' }),
  body,
  fields: Object.keys(body.shape),
  allowed: 'a form with host, service and event, each once',
  remedy: 'Let Monit run deploy/monit/tocsin-monit as it is.',
  setup: {
    options: { header: { name: 'X-Api-Key', value: '{secret}' } },
    secret: 'ours',
    steps: [
      'Copy deploy/monit/tocsin-monit of the repository to /usr/local/lib/tocsin-monit, and set the address in its last line to {url}',
      'Write into /etc/monit/tocsin.header, which only root may read: X-Api-Key: {secret}',
      'In each check: exec "/usr/local/lib/tocsin-monit critical" else if succeeded then exec "/usr/local/lib/tocsin-monit"',
    ],
    page: 'docs/alert-services.md#monit',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery): IncomingEvent {
  const newsAt = newsTime(readTime(given.time), delivery.at);
  const at = newsAt ?? delivery.at;
  const test = testOf(given.event);
  const title = titleOf(`${given.service} on ${given.host}: ${given.event}`);
  const labels = labelsOf(
    present({ host: given.host, service: given.service, test: test?.name, status: given.status, pid: given.pid }),
  );
  if (test === null) {
    const told = titleOf([title, given.description ?? ''].filter(Boolean).join(', '));
    return { kind: 'notice', type: 'event', title: told, labels, links: [], occurredAt: at };
  }
  return {
    kind: 'alert',
    state: test.state,
    fingerprint: keyOf([given.host, given.service, test.name].map(keyPart).join('/')),
    title,
    severity: severityOf(given.severity) ?? 'warning',
    labels,
    annotations: labelsOf(present({ description: given.description, monit_date: given.date })),
    links: [],
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: test.state === 'resolved' ? at : null,
    occurredAt: at,
  };
}
