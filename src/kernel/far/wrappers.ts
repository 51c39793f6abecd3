import { basename } from 'node:path';

export interface OptionRules {
  /** Letters of the short options that take a value. */
  values?: string;
  /** Long options that take a value as the next word; `--name=value` needs no rule. */
  long?: readonly string[];
  /** The number of words after which only words follow: the rest is a command. Any number when left out. */
  words?: number;
}

export interface Parsed {
  options: [name: string, value: string][];
  words: string[];
}

/** Options and words of an argv without its program, as getopt reads them. What follows `--` are words. */
export function parseOptions(args: readonly string[], rules: OptionRules): Parsed {
  const parsed: Parsed = { options: [], words: [] };
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
function takeLong(arg: string, next: string | undefined, rules: OptionRules, parsed: Parsed): number {
  const equals = arg.indexOf('=');
  if (equals > 0) {
    parsed.options.push([arg.slice(0, equals), arg.slice(equals + 1)]);
    return 0;
  }
  const takes = rules.long?.includes(arg.slice(2)) ?? false;
  parsed.options.push([arg, takes ? (next ?? '') : '']);
  return takes ? 1 : 0;
}

function takeShort(arg: string, next: string | undefined, rules: OptionRules, parsed: Parsed): number {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    if (!rules.values?.includes(letter)) {
      parsed.options.push([`-${letter}`, '']);
      continue;
    }
    const rest = arg.slice(at + 1);
    parsed.options.push([`-${letter}`, rest === '' ? (next ?? '') : rest]);
    return rest === '' ? 1 : 0;
  }
  return 0;
}

/** Programs that run the rest of their arguments, with their options that take a value and the words that come before the program. */
const wrappers = new Map<string, OptionRules & { skip?: number }>(
  Object.entries({
    sudo: {
      values: 'ugphCTrtUDR',
      long: ['user', 'group', 'prompt', 'host', 'close-from', 'command-timeout', 'role', 'type', 'chdir', 'chroot'],
    },
    doas: { values: 'uC' },
    runuser: { values: 'uggG', long: ['user', 'group'] },
    env: { values: 'uCS', long: ['unset', 'chdir'] },
    timeout: { values: 'ks', long: ['kill-after', 'signal'], skip: 1 },
    nice: { values: 'n', long: ['adjustment'] },
    ionice: { values: 'cnpPu', long: ['class', 'classdata'] },
    chrt: { values: 'TPD', skip: 1 },
    taskset: { skip: 1 },
    setsid: {},
    nohup: {},
    stdbuf: { values: 'ioe', long: ['input', 'output', 'error'] },
    flock: { values: 'wEc', long: ['timeout', 'wait', 'conflict-exit-code'], skip: 1 },
    setpriv: {
      long: ['pdeathsig', 'reuid', 'regid', 'groups', 'ruid', 'euid', 'rgid', 'egid', 'inh-caps', 'bounding-set'],
    },
    prlimit: {},
    unshare: {},
    xargs: { values: 'IdEnLPsa', long: ['max-args', 'max-procs', 'delimiter', 'arg-file', 'max-lines', 'replace'] },
    time: { values: 'fo' },
    command: {},
    exec: { values: 'a' },
    builtin: {},
    sshpass: { values: 'pfdeP' },
  }),
);

const mostWrappers = 8;

/** The argv without the programs in front that only run what follows, and without assignments. */
export function seeThrough(argv: readonly string[]): readonly string[] {
  let inner = argv;
  for (let depth = 0; depth < mostWrappers; depth++) {
    inner = withoutAssignments(inner);
    const rules = wrappers.get(basename(inner[0] ?? ''));
    if (rules === undefined) return inner;
    inner = afterOptions(inner.slice(1), rules, rules.skip ?? 0);
  }
  return inner;
}

function withoutAssignments(argv: readonly string[]): readonly string[] {
  const first = argv.findIndex(word => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
  return first < 0 ? [] : argv.slice(first);
}

/** What follows the options and the first `skip` words. */
function afterOptions(args: readonly string[], rules: OptionRules, skip: number): readonly string[] {
  const parsed: Parsed = { options: [], words: [] };
  let skipped = 0;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return args.slice(at + 1 + (skip - skipped));
    if (arg.startsWith('--')) at += takeLong(arg, args[at + 1], rules, parsed);
    else if (arg.startsWith('-') && arg !== '-') at += takeShort(arg, args[at + 1], rules, parsed);
    else if (skipped++ >= skip) return args.slice(at);
  }
  return [];
}
