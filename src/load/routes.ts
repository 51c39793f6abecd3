import { nearest } from '../kernel/nearest.ts';
import type { Alert } from '../model/alert.ts';
import type { Event } from '../model/event.ts';
import type { Problem, RouteTarget } from '../ports/catalogue.ts';
import type { Faults } from './problems.ts';
import type { Path } from './yaml.ts';

export interface RouteVariables {
  event: Event | null;
  alert: Alert | null;
}

/** The channel when no route holds: the console always exists. */
const standard = ['console:alerts'];

/**
 * Makes a function that returns the channels of the first route that holds. A route whose evaluation throws is passed to `complain` and
 * skipped, so that an alert is always posted somewhere.
 */
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

const channel = /^[a-z0-9][a-z0-9-]*:.{1,200}$/;

/** The channel that stands at the path, or none where it cannot be one. `platforms` are those that there are; null where nobody knows. */
export function targetsAt(
  target: string,
  path: Path,
  faults: Faults,
  platforms: ReadonlyMap<string, unknown> | null,
): RouteTarget[] {
  if (!channel.test(target)) {
    faults.add(path, 'this is not a channel', {
      given: target,
      allowed: 'platform:channel, for example console:alerts',
    });
    return [];
  }
  const at = target.indexOf(':');
  const found = { platform: target.slice(0, at), channel: target.slice(at + 1) };
  if (platforms === null || platforms.has(found.platform))
    return [{ ...found, file: faults.yaml.file, ...faults.yaml.locate(path) }];
  faults.add(path, `there is no chat platform "${found.platform}"`, {
    given: target,
    allowed: [...platforms.keys()].join(', '),
    nearest: nearest(found.platform, platforms.keys()),
  });
  return [];
}

/** Channel ids of Slack and Discord. They are not checked, because the bot may not see a channel until it is invited. */
const idShape = /^(?:[CDG][A-Z0-9]{6,}|\d{15,25})$/;

/** Problems for channels in the files that a platform does not have. `names` are the channels that it has. */
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
