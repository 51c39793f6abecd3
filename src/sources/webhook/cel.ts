import { z } from 'zod';
import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { changedLiteral } from '../../kernel/number.ts';
import type { Labels } from '../../model/event.ts';
import {
  compileExpression,
  type Expression,
  ExpressionError,
  type Scope,
  type Wants,
} from '../../model/expression/expression.ts';
import { labelsOf } from '../../model/incoming.ts';
import { fold } from './words.ts';

/** What makes the option of a CEL expression. `over` says in its description what the expression reads. */
export function celIn<Facts>(scope: Scope<Facts>, over: string) {
  return <W extends Wants>(wants: W, description: string) =>
    z
      .string()
      .meta({ description: `${description} CEL over ${over}.` })
      .transform((text, ctx) => {
        const changed = wants === 'text' ? changedLiteral(text) : null;
        if (changed !== null) {
          const message = `${text} is a number here, whose text is ${changed}`;
          ctx.addIssue({ code: 'custom', message, params: { allowed: `'"${text}"' for the text` } });
          return z.NEVER;
        }
        try {
          return compileExpression(text, scope, wants);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          const { message, offset, nearest, allowed } = error;
          ctx.addIssue({ code: 'custom', message, params: { offset, nearest, allowed } });
          return z.NEVER;
        }
      });
}

/** A map from a sender's words to ours. The case of a word does not matter, so it may not be there twice. */
export function wordMap<const Names extends readonly [string, ...string[]]>(names: Names, description: string) {
  return z
    .record(z.string().min(1).max(100), z.enum(names))
    .default({})
    .meta({ description })
    .transform((given, ctx) => {
      const words = Object.entries(given).map(([word, name]) => [fold(word), name as Names[number]] as const);
      const twice = words.find(([word], index) => words.findIndex(one => one[0] === word) < index);
      if (twice !== undefined) {
        ctx.addIssue({ code: 'custom', message: `"${twice[0]}" is there twice; the case of a word does not matter` });
      }
      return new Map(words);
    });
}

/** The value of a mapping. Throws TocsinError `bad-body` that names it. */
export function evaluate<Facts, R>(where: string, expression: Expression<Facts, R>, facts: Facts): R {
  try {
    return expression.evaluate(facts);
  } catch (error) {
    // The cause may quote the body, so only the mapping is named.
    throw new TocsinError('bad-body', {
      message: 'The body does not fit a mapping of this source.',
      at: where,
      given: expression.text,
      remedy: 'Correct the mapping in tocsin.yaml; has() asks whether a field is there.',
      cause: error,
    });
  }
}

/** The value of a mapping that an event can do without; undefined when there is none. */
export function attempt<Facts, R>(where: string, expression: Expression<Facts, R>, facts: Facts): R | undefined {
  try {
    return evaluate(where, expression, facts);
  } catch (error) {
    if (error instanceof TocsinError) return undefined;
    throw error;
  }
}

/** The texts, without those that are empty: a sender's null or empty field counts as left out. `get` makes the value of a mapping. */
export function textsOf<Facts>(
  where: string,
  given: Readonly<Record<string, Expression<Facts, string>>>,
  facts: Facts,
  get: (where: string, expression: Expression<Facts, string>, facts: Facts) => string | undefined = evaluate,
): Labels {
  const out: Labels = Object.create(null);
  for (const [key, expression] of Object.entries(given)) {
    const text = get(`${where}.${key}`, expression, facts) ?? '';
    if (text !== '') out[key] = text;
  }
  return labelsOf(out);
}

export function unmapped(where: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: 'A mapping of this source makes something else than it must.',
    at: where,
    allowed,
  });
}

/** True for an expression that reads nothing of a delivery. */
export function isConstant<Facts>(expression: Expression<Facts, unknown>): boolean {
  return expression.uses.size === 0;
}

/** The value of a constant expression; undefined when it has none. `facts` are any. */
export function constantOf<Facts, R extends Json>(expression: Expression<Facts, R>, facts: Facts): R | undefined {
  try {
    return expression.evaluate(facts);
  } catch (error) {
    if (error instanceof TocsinError) return undefined;
    throw error;
  }
}
