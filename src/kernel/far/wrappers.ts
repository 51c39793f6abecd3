import { basename } from 'node:path';
import { placeVariables } from './databases.ts';
import { hasOption, type OptionRules, optionOf, type Parsed, parseOptions, takeLong, takeShort } from './options.ts';
import { splitWords } from './shell.ts';

type Variables = Readonly<Record<string, string>>;

interface Wrapper extends OptionRules {
  /** The number of words that come before the program. */
  skip?: number;
  /** Its program runs as somebody else, so that variables may not be passed on. */
  resets?: boolean;
  /** Options whose value is code for a shell, also behind the words. */
  code?: readonly string[];
}

const asUser: Wrapper = {
  values: 'cugGsw',
  long: ['user', 'group', 'supp-group', 'shell', 'whitelist-environment', 'command', 'session-command'],
  resets: true,
  code: ['-c', '--command', '--session-command'],
};

/** Programs that run the rest of their arguments, or code that an option gives. */
const wrappers = new Map<string, Wrapper>(
  Object.entries({
    sudo: {
      values: 'ugphCTrtUDR',
      long: [
        ...['user', 'group', 'prompt', 'host', 'close-from', 'command-timeout', 'role', 'type', 'chdir', 'chroot'],
        'other-user',
      ],
      resets: true,
    },
    doas: { values: 'uC', resets: true },
    su: asUser,
    runuser: asUser,
    gosu: { skip: 1 },
    'su-exec': { skip: 1 },
    env: { values: 'uCS', long: ['unset', 'chdir', 'split-string'] },
    timeout: { values: 'ks', long: ['kill-after', 'signal'], skip: 1 },
    nice: { values: 'n', long: ['adjustment'] },
    ionice: { values: 'cnpPu', long: ['class', 'classdata', 'pid', 'pgid', 'uid'] },
    chrt: { values: 'TPD', long: ['sched-runtime', 'sched-period', 'sched-deadline'], skip: 1 },
    choom: { values: 'np', long: ['adjust', 'pid'] },
    taskset: { skip: 1 },
    setsid: {},
    nohup: {},
    stdbuf: { values: 'ioe', long: ['input', 'output', 'error'] },
    flock: {
      values: 'wE',
      long: ['timeout', 'wait', 'conflict-exit-code', 'command'],
      skip: 1,
      code: ['-c', '--command'],
    },
    setpriv: {
      long: [
        ...['pdeathsig', 'reuid', 'regid', 'groups', 'ruid', 'euid', 'rgid', 'egid', 'inh-caps', 'bounding-set'],
        ...['ambient-caps', 'securebits', 'selinux-label', 'apparmor-profile', 'ptracer'],
      ],
    },
    prlimit: { values: 'po', long: ['pid', 'output'] },
    unshare: {
      values: 'RwSG',
      long: [
        ...['map-user', 'map-group', 'map-users', 'map-groups', 'propagation', 'setgroups', 'root', 'wd', 'setuid'],
        ...['setgid', 'monotonic', 'boottime'],
      ],
    },
    nsenter: { values: 'tSG', attached: 'muinpCUTrw', long: ['target', 'setuid', 'setgid'] },
    chroot: { long: ['userspec', 'groups'], skip: 1 },
    xargs: {
      values: 'IdEnLPsa',
      attached: 'eil',
      long: ['max-args', 'max-procs', 'max-chars', 'max-lines', 'delimiter', 'arg-file', 'process-slot-var'],
    },
    time: { values: 'fo', long: ['format', 'output'] },
    command: {},
    exec: { values: 'a' },
    builtin: {},
    tini: { values: 'pe' },
    'dumb-init': { values: 'r', long: ['rewrite'] },
    'systemd-inhibit': { long: ['what', 'who', 'why', 'mode'] },
    sshpass: { values: 'pfdP', attached: 'e' },
  } satisfies Record<string, Wrapper>),
);

const mostWrappers = 8;

/** A value that is not known. It is the name of no host, so that nothing is told from it. */
export const unknownValue = '?';

/** A command with its variables, without the programs in front of it that only run what follows. */
export interface Seen {
  argv: readonly string[];
  env: Variables;
  /** Code for a shell that is run instead. */
  code: string | null;
}

export function seeThrough(argv: readonly string[], env: Variables): Seen {
  let seen: Seen = { argv, env, code: null };
  for (let depth = 0; depth < mostWrappers && seen.code === null; depth++) {
    seen = withAssignments(seen);
    const rules = wrappers.get(basename(seen.argv[0] ?? ''));
    if (rules === undefined) return seen;
    seen = unwrapped(seen, rules);
  }
  return seen;
}

const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;

function withAssignments(seen: Seen): Seen {
  const first = seen.argv.findIndex(word => !assignment.test(word));
  const words = first < 0 ? seen.argv : seen.argv.slice(0, first);
  const added = words.map(word => assignment.exec(word) ?? []).map(([, name = '', value = '']) => [name, value]);
  const env = added.length === 0 ? seen.env : { ...seen.env, ...Object.fromEntries(added) };
  return { ...seen, env, argv: seen.argv.slice(words.length) };
}

function unwrapped({ argv, env }: Seen, rules: Wrapper): Seen {
  const program = basename(argv[0] ?? '');
  if (program === 'env') return unwrappedEnv(argv.slice(1), env);
  const front = frontOf(argv.slice(1), rules);
  if (program === 'command' && hasOption(front.parsed, '-v', '-V')) return { argv: [], env, code: null };
  const passed = rules.resets === true ? withoutCertainty(env) : env;
  return { argv: front.rest, env: passed, code: codeOf(argv.slice(1), front, rules) };
}

/** flock(1) takes its code behind the file; su(1) and runuser(1) before or behind the user, or behind `--` for the shell. */
function codeOf(args: readonly string[], front: Front, { code, skip }: Wrapper): string | null {
  if (code === undefined) return null;
  const [first = '', second] = front.rest;
  if (skip === 1) return code.includes(first) ? (second ?? null) : longCode(first);
  if (hasOption(front.parsed, '-u', '--user')) return null;
  const parsed = parseOptions(args, asUser);
  return optionOf(parsed, ...code) ?? parsed.words[parsed.words.indexOf('-c') + 1 || Number.NaN] ?? '';
}

function longCode(arg: string): string | null {
  return arg.startsWith('--command=') ? arg.slice('--command='.length) : null;
}

function withoutCertainty(env: Variables): Variables {
  const unsure = placeVariables.filter(name => name in env);
  return { ...env, ...Object.fromEntries(unsure.map(name => [name, unknownValue])) };
}

/** env(1): `-i` and `-u` take variables away, `-S` gives words of an argv in one text. */
function unwrappedEnv(args: readonly string[], outer: Variables): Seen {
  const rules = wrappers.get('env') ?? {};
  let env = outer;
  let argv = args;
  for (let depth = 0; depth < mostWrappers; depth++) {
    const { parsed, rest } = frontOf(argv, rules);
    if (hasOption(parsed, '-i', '--ignore-environment') || rest[0] === '-') env = {};
    const unset = parsed.options.filter(([name]) => name === '-u' || name === '--unset').map(([, value]) => value);
    env = Object.fromEntries(Object.entries(env).filter(([name]) => !unset.includes(name)));
    const split = optionOf(parsed, '-S', '--split-string');
    const next = [...splitWords(split ?? ''), ...(rest[0] === '-' ? rest.slice(1) : rest)];
    const seen = withAssignments({ argv: next, env, code: null });
    env = seen.env;
    argv = seen.argv;
    if (!(argv[0] ?? '').startsWith('-')) break;
  }
  return { argv, env, code: null };
}

interface Front {
  parsed: Parsed;
  rest: readonly string[];
}

/** The options in front, and what follows them and the first `skip` words. */
function frontOf(args: readonly string[], rules: Wrapper): Front {
  const parsed: Parsed = { options: [], words: [], isSure: true };
  const skip = rules.skip ?? 0;
  let skipped = 0;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return { parsed, rest: args.slice(at + 1 + (skip - skipped)) };
    // getopt stops at the first word: what stands behind it belongs to the program.
    const isOption = arg.startsWith('-') && arg !== '-' && skipped === 0;
    if (isOption && arg.startsWith('--')) at += takeLong(arg, args[at + 1], rules, parsed);
    else if (isOption) at += takeShort(arg, args[at + 1], rules, parsed);
    else if (skipped++ >= skip) return { parsed, rest: args.slice(at) };
  }
  return { parsed, rest: [] };
}
