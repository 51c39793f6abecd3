import type { Actor } from '../model/actor.ts';
import type { ChatHost, CommandAnswer, CommandContext } from './chat.ts';

/** One chat command: a file in commands/. */
export interface Command {
  /** The file's name and the word that people type. */
  id: string;
  about: string;
  /** `run <runbook> [name=value ...]` */
  usage: string;
  /** Platforms offer these as typed options with autocompletion. */
  args: readonly CommandArg[];
  examples: readonly string[];
  run(input: CommandInput, host: ChatHost): Promise<CommandAnswer>;
}

export interface CommandArg {
  name: string;
  about: string;
  required: boolean;
  /** What completes it. */
  of: 'runbook' | 'run' | 'approval' | 'alert' | 'text' | 'params';
}

export interface CommandInput {
  who: Actor;
  context: CommandContext;
  /** Words after the command, quotes taken off. */
  words: readonly string[];
  /** `name=value` words, in order of appearance. */
  named: ReadonlyMap<string, string>;
}

export function defineCommand(command: Command): Command {
  return command;
}
