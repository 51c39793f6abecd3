import type { Alert } from '../model/alert.ts';
import type { Event } from '../model/event.ts';

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
