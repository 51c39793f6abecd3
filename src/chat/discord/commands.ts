import { cutText } from '../../kernel/text.ts';
import type { CommandView } from '../../ports/chat.ts';
import type { Slash } from './shapes.ts';

/** `/tocsin` with a sub-command per command. Everybody can see it; each use is authorised. */
export interface SlashCommand {
  name: 'tocsin';
  description: string;
  /** 0: in the server, not in direct messages. */
  contexts: [0];
  options: SubCommand[];
}

interface SubCommand {
  type: 1;
  name: string;
  description: string;
  options: SlashOption[];
}

interface SlashOption {
  /** Text. */
  type: 3;
  name: string;
  description: string;
  required: boolean;
  autocomplete: boolean;
}

/** Discord's limits: 25 sub-commands with 25 options, names of 32 and descriptions of 100 characters. */
const most = { commands: 25, options: 25, description: 100 } as const;
const name = /^[a-z0-9_-]{1,32}$/;

/** Commands whose names Discord does not take, and those after the 25th, are left out: mentions of `help` still list them. */
export function slashCommand(commands: readonly CommandView[]): SlashCommand {
  return {
    name: 'tocsin',
    description: 'Runbooks, approvals and alerts',
    contexts: [0],
    options: commands
      .filter(one => name.test(one.id))
      .slice(0, most.commands)
      .map(subCommand),
  };
}

function subCommand(command: CommandView): SubCommand {
  const options = command.args
    .filter(arg => name.test(arg.name))
    .slice(0, most.options)
    .map(arg => ({
      type: 3 as const,
      name: arg.name,
      description: cutText(arg.about === '' ? arg.name : arg.about, most.description),
      required: arg.required,
      autocomplete: arg.of !== 'text',
    }));
  // Discord requires the required options first; `lineOf` restores the command's own order.
  options.sort((a, b) => Number(b.required) - Number(a.required));
  return { type: 1, name: command.id, description: cutText(command.about, most.description), options };
}

/** The typed options as a command line, in the syntax of all platforms. */
export function lineOf(data: Slash['data'], commands: readonly CommandView[]): string {
  const [sub] = data.options;
  if (sub === undefined) return 'help';
  const command = commands.find(one => one.id === sub.name);
  const given = new Map(sub.options.map(option => [option.name, String(option.value ?? '')]));
  const words = (command?.args ?? []).flatMap(arg => {
    const value = given.get(arg.name);
    if (value === undefined || value.trim() === '') return [];
    if (arg.of === 'params') return [value];
    return [arg.name === 'reason' ? namedWord('reason', value) : quoteWord(value)];
  });
  return [sub.name, ...words].join(' ');
}

/** `name="value"`, so that the line's reader gives back exactly the value. */
export function namedWord(name: string, value: string): string {
  return `${name}=${quoteWord(value)}`;
}

function quoteWord(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}
