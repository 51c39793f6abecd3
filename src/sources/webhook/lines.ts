import type { Json } from '../../kernel/canonical.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import { mostElements } from './elements.ts';

/** A body of one JSON document a line: the good lines, and the places of those that are none. Line numbers are from 1. */
export class Lines {
  readonly good: readonly { line: number; value: Json }[];
  readonly bad: readonly string[];
  constructor(good: readonly { line: number; value: Json }[], bad: readonly string[]) {
    this.good = good;
    this.bad = bad;
  }
}

/** Reads one JSON document a line; empty lines do not count. Throws TocsinError `bad-body` when no line is good. */
export function readLines(body: Buffer): Lines {
  const good: { line: number; value: Json }[] = [];
  const bad: string[] = [];
  let first: TocsinError | null = null;
  for (const [index, text] of body.toString('utf8').split('\n').entries()) {
    if (text.trim() === '' || text === '\ufeff') continue;
    if (good.length + bad.length >= mostElements) {
      throw new TocsinError('bad-body', {
        message: 'The body exceeds a limit: the number of lines.',
        allowed: `at most ${mostElements}`,
      });
    }
    try {
      good.push({ line: index + 1, value: parseStrictJson(Buffer.from(text)) });
    } catch (error) {
      if (!isCode(error, 'bad-body')) throw error;
      const name = `line ${index + 1}`;
      const at = error.at?.startsWith('line 1,') ? error.at.replace('line 1', name) : name;
      first ??= new TocsinError('bad-body', { message: 'No line of the body is a JSON document.', at, cause: error });
      bad.push(name);
    }
  }
  if (good.length > 0) return new Lines(good, bad);
  throw first ?? new TocsinError('bad-body', { message: 'The body has no line.', allowed: 'one JSON document a line' });
}
