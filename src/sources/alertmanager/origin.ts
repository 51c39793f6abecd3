import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { apiOf } from './ask.ts';
import type { Options } from './options.ts';
import { picturesOf } from './pictures.ts';
import { silencesOf } from './silences.ts';

/** Alertmanager has no limit; a silence takes two requests. */
const perMinute = { tell: 240, page: 240 };

/**
 * The silences of people, where `silences` is set, and pictures, where `prometheus` is. An acknowledgement is told nowhere: Alertmanager has
 * no such thing.
 */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  const connection = { perMinute, ...tellingOf(given, host), ...picturesOf(given, host) };
  return Object.keys(connection).length > 1 ? connection : null;
}

function tellingOf(given: Options, host: OriginHost): Partial<OriginConnection> {
  if (given.silences !== true || given.url === undefined) return {};
  return silencesOf({
    api: apiOf(given),
    fetch: host.reach([given.url]),
    clock: host.clock,
    refusedKey: {
      because: 'What `headers` has is not taken.',
      remedy: 'Correct headers of the source in tocsin.yaml.',
    },
  });
}
