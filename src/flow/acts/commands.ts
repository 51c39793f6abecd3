import { explainError, TocsinError } from '../../kernel/errors.ts';
import { nearest, slipOf } from '../../kernel/nearest.ts';
import type { Actor } from '../../model/actor.ts';
import type { ChatHost, CommandAnswer, CommandContext } from '../../ports/chat.ts';
import type { Command } from '../../ports/command.ts';
import { answerAct } from '../../ports/command-answer.ts';

/** Runs one line such as `run disk-full host=web-1 reason="it is night"`. Never rejects for what a person typed wrong. */
export async function runCommand(
  line: string,
  who: Actor,
  context: CommandContext,
  tools: { commands: ReadonlyMap<string, Command>; host: ChatHost },
): Promise<CommandAnswer> {
  const { commands, host } = tools;
  try {
    const typed = line.trim();
    const name = /^\S+/.exec(typed)?.[0] ?? 'help';
    const command = commands.get(name.replace(/^\//, '').toLowerCase());
    if (command === undefined) return await takeAsNote(typed, name, who, context, tools);
    const after = typed.slice(name.length).trim();
    if (command.plain === true)
      return await command.run({ who, context, words: plainWords(after), named: new Map() }, host);
    const rest = splitWords(after);
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

/**
 * A line that is no command is a note in the thread where it was said to us. What looks like a command that was mistyped is not: the person
 * is asked, because what they wanted may be urgent.
 */
async function takeAsNote(
  line: string,
  name: string,
  who: Actor,
  context: CommandContext,
  { commands, host }: { commands: ReadonlyMap<string, Command>; host: ChatHost },
): Promise<CommandAnswer> {
  const isRunbook = host.catalogue().runbooks.some(one => one.id === name);
  const near = isRunbook ? `run ${name}` : slipOf(name, commands.keys());
  const { alert, run, gate } = context;
  const inThread = alert !== null || run !== null || gate !== null;
  const asCommand = near !== null || /^\/|^\S+$/.test(line) || /(^|\s)([a-z]{3}_[a-z0-9]{4,}|[\w-]+=\S)/.test(line);
  if (inThread && commands.has('note') && !asCommand)
    return answerAct(await host.act(who, { kind: 'note', alert, run, gate, text: line }));
  const meant = near ?? nearest(name, commands.keys());
  const asNote = inThread ? ` To write it as a note: note ${line}` : '';
  const list = inThread && meant !== null ? '' : ` Commands: ${[...commands.keys()].join(', ')}.`;
  const question = meant === null ? '' : ` Did you mean "${meant}"?`;
  return { ok: false, code: 'not-found', text: `There is no command "${name}".${question}${asNote}${list}` };
}

/** A text as it was typed; the words of one that is written in quotes throughout, as platforms send what was typed into fields. */
function plainWords(text: string): string[] {
  return /^(?:"(?:[^"\\]|\\.)*"\s*)+$/s.test(text) ? splitWords(text) : [text];
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
