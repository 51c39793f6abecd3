import { nearest } from '../kernel/nearest.ts';
import type { Alert } from '../model/alert.ts';
import type { Event } from '../model/event.ts';
import type { Problem, RouteTarget } from '../ports/catalogue.ts';

export interface RouteVariables {
  event: Event | null;
  alert: Alert | null;
}

/** Where everything goes that no route takes: the console is always there. */
const standard = ['console:alerts'];

/** The first route that holds. A route that cannot be evaluated does not hold: an alert is always posted somewhere. */
export function createRoute(
  routes: readonly { holds(variables: RouteVariables): boolean; to: readonly string[] }[],
  complain: (error: unknown) => void,
): (variables: RouteVariables) => readonly string[] {
  return variables => {
    for (const route of routes) {
      try {
        if (route.holds(variables)) return route.to;
      } catch (error) {
        complain(error);
      }
    }
    return standard;
  };
}

/** Ids of Slack and of Discord. The bot may not see what they name until it is invited, so that only posting tells. */
const idShape = /^(?:[CDG][A-Z0-9]{6,}|\d{15,25})$/;

/** The channels of the files that a platform does not know. `names` are those that it knows. */
export function unknownChannels(
  targets: readonly RouteTarget[],
  platform: string,
  names: readonly string[],
): Problem[] {
  const plain = (name: string) => name.replace(/^#/, '').toLowerCase();
  const known = new Set(names.map(plain));
  return targets
    .filter(
      target => target.platform === platform && !idShape.test(target.channel) && !known.has(plain(target.channel)),
    )
    .map(({ channel, file, line, column }) => {
      const near = nearest(plain(channel), known);
      return {
        file,
        line,
        column,
        code: 'file-invalid',
        message: `${platform} has no channel "${channel}", or the bot cannot see it because it is private and the bot is not in it`,
        given: `${platform}:${channel}`,
        ...(near === null ? {} : { nearest: `${platform}:${channel.startsWith('#') ? '#' : ''}${near}` }),
        level: 'error' as const,
      };
    });
}
