export interface OptionRules {
  /** Letters of the short options that take a value, attached or as the next word. */
  values?: string;
  /** Letters of the short options that take a value only when it is attached, as `-p` of mysql(1). */
  attached?: string;
  /** Long options that take a value as the next word; `--name=value` needs no rule. */
  long?: readonly string[];
  /** The number of words after which only words follow: the rest is a command. Any number when left out. */
  words?: number;
  /**
   * All options without a value that the program knows, short and long. With them the parsing is strict: long names may be shortened, and
   * what is not known makes the result unsure, because it may take the next word.
   */
  flags?: { short: string; long: readonly string[] };
}

export interface Parsed {
  options: [name: string, value: string][];
  words: string[];
  /** False when an option was not known, so that a word may be the value of one. */
  isSure: boolean;
}

/** Options and words of an argv without its program, as getopt_long(3) reads them. What follows `--` are words. */
export function parseOptions(args: readonly string[], rules: OptionRules): Parsed {
  const parsed: Parsed = { options: [], words: [], isSure: true };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--' || (rules.words !== undefined && parsed.words.length > rules.words)) {
      parsed.words.push(...args.slice(arg === '--' ? at + 1 : at));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') parsed.words.push(arg);
    else if (arg.startsWith('--')) at += takeLong(arg, args[at + 1], rules, parsed);
    else at += takeShort(arg, args[at + 1], rules, parsed);
  }
  return parsed;
}

/** Returns the number of further words that were used. */
export function takeLong(arg: string, next: string | undefined, rules: OptionRules, parsed: Parsed): number {
  const [, given = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const name = fullName(given, rules);
  if (name === null) parsed.isSure = false;
  const full = `--${name ?? given}`;
  if (value !== undefined) {
    parsed.options.push([full, value]);
    return 0;
  }
  const takes = rules.long?.includes(name ?? given) ?? false;
  parsed.options.push([full, takes ? (next ?? '') : '']);
  return takes ? 1 : 0;
}

/** The long option that is meant, which may be shortened; null when there is none or more than one. */
function fullName(given: string, { long = [], flags }: OptionRules): string | null {
  if (flags === undefined || long.includes(given) || flags.long.includes(given)) return given;
  const meant = [...long, ...flags.long].filter(name => name.startsWith(given));
  return meant.length === 1 ? (meant[0] ?? null) : null;
}

/** Returns the number of further words that were used. */
export function takeShort(arg: string, next: string | undefined, rules: OptionRules, parsed: Parsed): number {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    const rest = arg.slice(at + 1);
    if (rules.attached?.includes(letter)) {
      parsed.options.push([`-${letter}`, rest]);
      return 0;
    }
    if (rules.values?.includes(letter)) {
      parsed.options.push([`-${letter}`, rest === '' ? (next ?? '') : rest]);
      return rest === '' ? 1 : 0;
    }
    parsed.options.push([`-${letter}`, '']);
    if (rules.flags !== undefined && !rules.flags.short.includes(letter)) {
      // The rest may be its value, which nobody is to see.
      parsed.isSure = false;
      return 0;
    }
  }
  return 0;
}

/** The value of the last of these options: programs let the last one win. Empty values are none. */
export function optionOf({ options }: Parsed, ...names: readonly string[]): string | undefined {
  return options.findLast(([name, value]) => names.includes(name) && value !== '')?.[1];
}

export function hasOption({ options }: Parsed, ...names: readonly string[]): boolean {
  return options.some(([name]) => names.includes(name));
}
