import { isMap, plainText } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Verified } from '../../ports/source.ts';
import { proofOf } from '../alertmanager/proof.ts';
import { notificationSource } from '../nagios/driver.ts';
import { markWith } from '../webhook/mark.ts';
import { check } from './check.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { start } from './stream/start.ts';

const notifications = notificationSource<Options>({
  id: 'icinga2',
  options,
  about:
    'Notifications of Icinga 2, from the commands in deploy/icinga2: problem, acknowledgement and recovery of a host or service are one alert, and downtimes, flapping and custom notifications stand in its thread. With `api` Tocsin acknowledges problems while it remediates and writes outcomes as comments, and with `api.stream` it follows the event stream instead of notifications, or beside them.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Copy deploy/nagios/tocsin-notify of the repository to /usr/local/bin, and deploy/icinga2/tocsin.conf to /etc/icinga2/conf.d. Set the address in it to {url}',
      'Write into /etc/icinga2/tocsin.header, which only the program may read: Authorization: Bearer {secret}',
      'Name the contact, or choose the hosts and services, and reload.',
    ],
    page: 'docs/nagios.md',
  },
  origin: openOrigin,
  tells: ['acknowledge', 'note', 'recall'],
  toAsk: 'Set api with url, user and password, if you want that.',
  check,
  echoOf,
});

export default defineSource<Options>({
  ...notifications,
  verify: ({ headers }, given) => verifyHeaders(headers, given),
  verifyHeaders,
  start,
  oneNode: true,
});

/** Who follows the stream and gave no token waits for nothing that is posted, so nobody may end an alert by that. */
function verifyHeaders(headers: Delivery['headers'], given: Options): Verified {
  if (given.api?.stream === true && given.token === undefined)
    return { ok: false, because: 'the source follows the event stream, and has no token for notifications' };
  return proofOf(headers, given);
}

/** The notification of Tocsin's own acknowledgement. Comments are notified of to nobody. */
function echoOf(body: unknown, { api }: Options): string | null {
  if (api === undefined || !isMap(body) || body['type'] !== 'ACKNOWLEDGEMENT') return null;
  return markWith(api.password).isOwn(plainText(body['comment']) ?? '') ? 'acknowledge' : null;
}
