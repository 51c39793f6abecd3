import type { Config } from '../../model/config.ts';
import type { Ask } from '../../model/decision.ts';

/** Who is asked when policy names nobody: the operators, else everybody in people of tocsin.yaml. */
export function defaultAsk({ config }: { config: Pick<Config, 'operators' | 'people'> }): Ask {
  const { operators, people } = config;
  return {
    by: operators.length > 0 ? [...operators] : Object.keys(people),
    quorum: 1,
    expires: 30 * 60_000,
    escalate: null,
    reasonRequired: false,
  };
}
