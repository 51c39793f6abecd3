import type { Json } from '../../kernel/canonical.ts';
import { compileExpression, type Expression, ExpressionError } from './compile.ts';
import { type Scope, type ScopeName, scopes } from './scopes.ts';

/** A text with `${{ expression }}` in it. */
export interface Template<V> {
  text: string;
  /** False when it has no expression, so that its value is known at load. */
  dynamic: boolean;
  /** The CEL type of a template that is exactly one expression; `string` otherwise. */
  type: string;
  /** The variables that its expressions read. */
  uses: ReadonlySet<string>;
  /** A template that is one expression keeps its type; any other gives text. Expressions in the result are never evaluated. */
  evaluate(variables: V): Json;
}

type Part<V> = string | Expression<V, Json>;

/** Parses the text. Throws ExpressionError, whose offset is relative to the whole text. */
export function compileTemplate<V>(text: string, scope: Scope<V> | ScopeName): Template<V> {
  const where = (typeof scope === 'string' ? scopes[scope] : scope) as Scope<V>;
  const parts = splitTemplate(text).map(piece =>
    piece.kind === 'text' ? piece.text : compileAt(piece.text, piece.offset, where),
  );
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object')
    return { text, dynamic: true, type: only.type, uses: only.uses, evaluate: variables => only.evaluate(variables) };
  const expressions = parts.filter(part => typeof part === 'object');
  const uses = new Set(expressions.flatMap(part => [...part.uses]));
  return {
    text,
    dynamic: expressions.length > 0,
    type: 'string',
    uses,
    evaluate: variables => joinParts(parts, variables),
  };
}

function joinParts<V>(parts: readonly Part<V>[], variables: V): string {
  return parts.map(part => (typeof part === 'string' ? part : showText(part.evaluate(variables)))).join('');
}

/** A value as part of a text: empty for null, JSON for lists and maps. */
export function showText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function compileAt<V>(text: string, offset: number, scope: Scope<V>): Expression<V, Json> {
  try {
    return compileExpression(text, scope, 'json');
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError({
      message: error.message,
      ...(typeof error.allowed === 'string' ? { allowed: error.allowed } : {}),
      given: error.given ?? text,
      offset: error.offset + offset,
      nearest: error.nearest,
    });
  }
}

type Piece = { kind: 'text'; text: string } | { kind: 'expression'; text: string; offset: number };

/** Splits a template into texts and expressions. `$${{` is the escape for `${{`. */
export function splitTemplate(text: string): Piece[] {
  const pieces: Piece[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${{', at)) {
      plain += '${{';
      at += 4;
    } else if (text.startsWith('${{', at)) {
      const end = endOfExpression(text, at + 3);
      if (plain !== '') pieces.push({ kind: 'text', text: plain });
      plain = '';
      pieces.push({ kind: 'expression', text: text.slice(at + 3, end), offset: at + 3 });
      at = end + 2;
    } else plain += text[at++];
  }
  if (plain !== '' || pieces.length === 0) pieces.push({ kind: 'text', text: plain });
  return pieces;
}

/** The offset of the closing `}}`, not counting braces of CEL maps and braces in quotes. */
function endOfExpression(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"' || char === "'") at = endOfText(text, at);
    else if (char === '{') depth++;
    else if (char === '}' && depth > 0) depth--;
    else if (char === '}' && text[at + 1] === '}') return at;
  }
  throw new ExpressionError({
    message: 'this expression is not closed',
    allowed: 'an expression ends with }}',
    given: text.slice(start - 3, start + 40),
    offset: start - 3,
    nearest: null,
  });
}

function endOfText(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  return text.length;
}
