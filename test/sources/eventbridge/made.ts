import { incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/eventbridge/index.ts';
import { delivery, take } from '../helpers.ts';

/** When everything arrives. */
export const at = Date.UTC(2026, 10, 20, 12, 30);
export const account = '123456789012';
export const arn = `arn:aws:cloudwatch:eu-west-1:${account}:alarm:checkout-5xx-rate`;

export function taken(body: string | Buffer, more: object = {}) {
  const { events } = take(source, delivery(body, {}, at), more);
  return events.map(event => incomingEvent.parse(event));
}
/** The first event of a kind of event with this detail. */
export function made(
  type: string,
  from: string,
  detail: object,
  more: { resources?: unknown; time?: unknown; options?: object } = {},
) {
  const { resources = [], time = '2026-11-20T12:00:00Z', options = {} } = more;
  const event = { version: '0', id: 'e1', 'detail-type': type, source: from, account, region: 'eu-west-1', time };
  return taken(JSON.stringify({ ...event, resources, detail }), options)[0];
}
