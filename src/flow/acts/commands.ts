import { explainError, TocsinError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { Actor } from '../../model/actor.ts';
import type { ChatHost, CommandAnswer, CommandContext } from '../../ports/chat.ts';
import type { Command } from '../../ports/command.ts';

/** Runs one line such as `run disk-full host=web-1 reason="it is night"`. Never rejects for what a person typed wrong. */
export async function runCommand(
  line: string,
  who: Actor,
  context: CommandContext,
  tools: { commands: ReadonlyMap<string, Command>; host: ChatHost },
): Promise<CommandAnswer> {
  const { commands, host } = tools;
  try {
    const [name = 'help', ...rest] = splitWords(line);
    const command = commands.get(name.replace(/^\//, '').toLowerCase());
    if (command === undefined) {
      const near = nearest(name, commands.keys());
      return {
        ok: false,
        code: 'not-found',
        text: `There is no command "${name}".${near === null ? '' : ` Did you mean "${near}"?`} Commands: ${[...commands.keys()].join(', ')}.`,
      };
    }
    const named = new Map<string, string>();
    const words: string[] = [];
    for (const word of rest) {
      const match = /^([A-Za-z_][A-Za-z0-9_-]*)=(.*)$/s.exec(word);
      if (match?.[1] !== undefined) named.set(match[1], match[2] ?? '');
      else words.push(word);
    }
    return await command.run({ who, context, words, named }, host);
  } catch (error) {
    if (error instanceof TocsinError) return { ok: false, code: error.code, text: explainError(error) };
    throw error;
  }
}

/** Words as a shell would split them, without its expansions: quotes keep spaces, a backslash takes the next character as it is. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (char === '\\' && quote !== "'" && i + 1 < line.length) word = (word ?? '') + line.charAt(++i);
    else if (quote !== null) {
      if (char === quote) quote = null;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (quote !== null)
    throw new TocsinError('bad-request', {
      message: 'A quote is not closed.',
      given: quote,
      remedy: 'Close it, or put a backslash before it.',
    });
  if (word !== null) words.push(word);
  return words;
}
