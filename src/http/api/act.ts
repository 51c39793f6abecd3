import { catalogue } from '../../kernel/catalogue.ts';
import { type ErrorCode, TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Decision } from '../../model/decision.ts';
import type { HttpParts } from '../parts.ts';

/** A refusal of an act, with the decision behind it when policy refused. */
export class ActRefused extends TocsinError {
  readonly decision: Decision | null;

  constructor(code: ErrorCode, answer: Extract<ActAnswer, { ok: false }>) {
    super(code, { message: answer.text, ...answer.details });
    this.decision = answer.decision ?? null;
  }
}

/** Performs an act through the one authorisation function. Throws ActRefused. */
export async function perform(parts: HttpParts, who: Actor, act: Act): Promise<Extract<ActAnswer, { ok: true }>> {
  const answer = await parts.host.act(who, act);
  if (answer.ok) return answer;
  throw new ActRefused(asCode(answer), answer);
}

/** The answer's code when the catalogue has it, else the one that fits its status. */
function asCode(answer: Extract<ActAnswer, { ok: false }>): ErrorCode {
  if (Object.hasOwn(catalogue, answer.code)) return answer.code as ErrorCode;
  if (answer.status === 404) return 'not-found';
  if (answer.status === 409) return 'conflict';
  return answer.status === 403 ? 'forbidden' : 'bad-request';
}
