import { parseArgs } from 'node:util';
import { TocsinError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import type { Terminal } from './terminal.ts';

/** A command of the command line: a file in src/cli/. */
export interface CliCommand {
  name: string;
  about: string;
  /** The arguments, for the help: `<runbook> [name=value ...]`. */
  usage: string;
  options: readonly CliOption[];
  /** How many arguments it takes. */
  words: { least: number; most: number };
  examples: readonly string[];
  /** Resolves to the exit code. Throws TocsinError. */
  run(input: CliInput, terminal: Terminal): Promise<number>;
}

export interface CliOption {
  name: string;
  about: string;
  /** The name of its value in the help; null for a switch. */
  value: string | null;
  repeats?: boolean;
}

export interface CliInput {
  words: readonly string[];
  /** Values in order; a switch that is set has one empty text. */
  options: ReadonlyMap<string, readonly string[]>;
}

/** Parses the arguments of a command. Throws `usage-invalid`, with the nearest known option. Null when help is asked for. */
export function parseInput(command: CliCommand, argv: readonly string[]): CliInput | null {
  const known = Object.fromEntries(
    command.options.map(option => [
      option.name,
      { type: option.value === null ? 'boolean' : 'string', multiple: true } as const,
    ]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...known, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const words: string[] = [];
  const options = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') return null;
    const option = command.options.find(one => one.name === token.name);
    if (option === undefined) throw unknownOption(command, token.rawName);
    options.set(option.name, [...(options.get(option.name) ?? []), readValue(command, option, token.value)]);
  }
  checkWords(command, words);
  for (const option of command.options) {
    if (!option.repeats && (options.get(option.name)?.length ?? 0) > 1)
      throw usage(command, `--${option.name} is given twice.`);
  }
  return { words, options };
}

function readValue(command: CliCommand, option: CliOption, value: string | undefined): string {
  if (option.value === null && value !== undefined) throw usage(command, `--${option.name} takes no value.`);
  if (option.value !== null && value === undefined) throw usage(command, `--${option.name} needs <${option.value}>.`);
  return value ?? '';
}

function checkWords(command: CliCommand, words: readonly string[]): void {
  const { least, most } = command.words;
  if (words.length < least) throw usage(command, 'Something is missing.');
  if (words.length > most) throw usage(command, `It takes no ${JSON.stringify(words[most])}.`);
}

function unknownOption(command: CliCommand, raw: string): TocsinError {
  const near = nearest(raw.replace(/^-+/, ''), [...command.options.map(option => option.name), 'help']);
  const names = command.options.map(option => `--${option.name}`);
  return new TocsinError('usage-invalid', {
    message: `tocsin ${command.name} has no option ${raw}.`,
    allowed: [...names, '--help'],
    given: raw,
    remedy: near === null ? `See tocsin ${command.name} --help.` : `Did you mean --${near}?`,
  });
}

export function usage(command: CliCommand, message: string, remedy: string | null = null): TocsinError {
  return new TocsinError('usage-invalid', {
    message,
    allowed: `tocsin ${[command.name, command.usage].filter(Boolean).join(' ')}`,
    remedy: remedy ?? `See tocsin ${command.name} --help.`,
  });
}

/** The first value of an option, or null. */
export function optionOf(input: CliInput, name: string): string | null {
  return input.options.get(name)?.[0] ?? null;
}

export function helpOf(command: CliCommand): string {
  const options = [...command.options, { name: 'help', about: 'Show this.', value: null }];
  const left = options.map(({ name, value }) => `--${name}${value === null ? '' : ` <${value}>`}`);
  const width = Math.max(...left.map(text => text.length));
  return [
    command.about,
    '',
    `Usage: tocsin ${[command.name, command.usage].filter(Boolean).join(' ')}`,
    '',
    'Options:',
    ...options.map((option, index) => `  ${(left[index] ?? '').padEnd(width)}  ${option.about}`),
    ...(command.examples.length === 0 ? [] : ['', 'Examples:', ...command.examples.map(example => `  ${example}`)]),
  ].join('\n');
}
