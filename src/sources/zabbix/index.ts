import { isMap } from '../../model/incoming.ts';
import { defineSource } from '../../ports/source.ts';
import { authorizationBy, proofOf } from '../alertmanager/proof.ts';
import { markWith } from '../webhook/mark.ts';
import { check } from './check.ts';
import { normalise } from './events.ts';
import { examples } from './examples.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { Parameters, parameterNames } from './parameters.ts';

export default defineSource<Options>({
  id: 'zabbix',
  about:
    'Problems of Zabbix 6.0 and later, from the media type in deploy/zabbix: problem, recovery and updates of one problem are one alert. With `apiToken` Tocsin acknowledges problems while it remediates and writes outcomes as messages.',
  options,
  fields: parameterNames,
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Alerts, Media types, Import: deploy/zabbix/media-tocsin.yaml of the repository. Set its URL to {url} and its token to {secret}',
      'Give a user the media, and let a trigger action send problem, recovery and update operations to that user.',
    ],
    page: 'docs/zabbix.md',
  },
  examples,
  verify: (delivery, given) => proofOf(delivery.headers, given),
  verifyHeaders: proofOf,
  prove: (_delivery, given) => authorizationBy(given),
  normalise: (body, delivery, given) => {
    const echo = echoOf(body, given);
    return echo === null ? normalise(body, delivery, given) : { events: [], deliveryId: null, echo };
  },
  origin: openOrigin,
  tells: ['acknowledge', 'note', 'resolve', 'recall'],
  toAsk: 'Set url and apiToken, if you want that.',
  check,
  // Zabbix tells changes only.
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
});

/** An update that Tocsin made itself; null for any other message. */
function echoOf(body: unknown, { apiToken }: Options): string | null {
  if (apiToken === undefined || !isMap(body)) return null;
  const message = new Parameters(body);
  if (message.text('event_update_status') !== '1') return null;
  return markWith(apiToken).isOwn(message.text('event_update_message') ?? '') ? 'update' : null;
}
