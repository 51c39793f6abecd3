import type { Actor } from '../model/actor.ts';
import type { ChatHost, CommandAnswer, CommandContext } from './chat.ts';

/** A chat command: one file in commands/. */
export interface Command {
  /** The name of the file, and the word that people type. */
  id: string;
  about: string;
  /** `run <runbook> [name=value ...]` */
  usage: string;
  /** Platforms offer these as typed options with autocompletion. */
  args: readonly CommandArg[];
  examples: readonly string[];
  /** True when what follows the command is a text as it was typed: it is one word, and quotes in it mean nothing. */
  plain?: true;
  run(input: CommandInput, host: ChatHost): Promise<CommandAnswer>;
}

export interface CommandArg {
  name: string;
  about: string;
  required: boolean;
  /** The kind of values, for autocompletion. */
  of: 'runbook' | 'run' | 'approval' | 'alert' | 'gate' | 'text' | 'params';
}

export interface CommandInput {
  who: Actor;
  context: CommandContext;
  /** The words after the command, without quotes. */
  words: readonly string[];
  /** `name=value` words, in order of appearance. */
  named: ReadonlyMap<string, string>;
}

export function defineCommand(command: Command): Command {
  return command;
}
